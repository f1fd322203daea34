"""Checks what a calendar asks of its customers: its questions in a policy, and a customer's answers to them."""

from __future__ import annotations

from typing import Any

from msgspec import UnsetType

from models.contract.changes import (
    ANSWER_CHARACTERS,
    LABEL_CHARACTERS,
    MOST_QUESTIONS,
    PLACE_CHARACTERS,
    QUESTIONS_BYTES,
    Policy,
    Question,
    encode,
)
from models.contract.errors import BadRequest
from models.contract.values.text import check_line, check_lines
from models.domain.policy.metadata import read_object


def checked_place(place: str | None) -> str | None:
    """Return a policy's place, trimmed, or None for an empty one."""
    return check_line(place or "", "place", most=PLACE_CHARACTERS, field="policy.place") or None


def checked_questions(given: Any, questions: list[Question]) -> list[Question]:
    """Return a policy's questions, trimmed. `given` has the fields as they were sent; BadRequest names a wrong one."""
    field = "policy.questions"
    unknown = {name for one in given for name in one} - set(Question.__struct_fields__)
    if unknown:
        raise BadRequest(f"A question has no field `{min(unknown)}`.", field=field)
    checked = [
        Question(
            label=check_line(one.label, "label", most=LABEL_CHARACTERS, field=field),
            required=one.required,
            choices=[check_line(text, "choices", most=LABEL_CHARACTERS, field=field) for text in one.choices],
        )
        for one in questions
    ]
    if len(checked) > MOST_QUESTIONS or len(encode(checked)) > QUESTIONS_BYTES:
        raise BadRequest(f"At most {MOST_QUESTIONS} questions, in {QUESTIONS_BYTES} bytes of JSON.", field=field)
    if not all(one.label and all(one.choices) for one in checked):
        raise BadRequest("Each question and each choice has a text.", field=field)
    if len({one.label for one in checked}) < len(checked):
        raise BadRequest("Two questions are the same.", field=field)
    return checked


def check_phone(policy: Policy, phone: str | None) -> None:
    """Refuse a booking without the phone number that the calendar needs."""
    if policy.phone == "required" and not phone:
        raise BadRequest("A booking here needs a phone number.", field="customer.phone")


def check_answers(policy: Policy, data: str | None) -> None:
    """Check the answers in a booking's `data`, stored JSON, where the calendar asks questions."""
    if not policy.questions:
        return
    found = read_object(data)
    answers = {} if isinstance(found, UnsetType) else found.get("answers", {})
    if not isinstance(answers, dict):
        raise BadRequest("`data.answers` is an object of answers by their question.", field="data.answers")
    for question in policy.questions:
        _check_answer(question, answers.get(question.label, ""))


def _check_answer(question: Question, answer: Any) -> None:
    wrong = {"field": "data.answers", "question": question.label}
    if not isinstance(answer, str):
        raise BadRequest("An answer is a text.", **wrong)
    text = check_lines(answer, "answers", most=ANSWER_CHARACTERS, field="data.answers")
    if not text and question.required:
        raise BadRequest("A question that needs an answer has none.", **wrong)
    if text and question.choices and text not in question.choices:
        raise BadRequest("The answer is none of the question's choices.", **wrong)


def check_intake(policy: Policy, phone: str | None, data: str | None) -> None:
    """Check a customer's own booking for all that the calendar asks."""
    check_phone(policy, phone)
    check_answers(policy, data)


def with_checked_intake(policy: Policy, given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a policy that its calendar asks or tells, checked and trimmed."""
    questions = checked_questions(given.get("questions", ()), policy.questions)
    return {"place": checked_place(policy.place), "questions": questions}
