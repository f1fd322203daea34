"""The texts of the mails to guests, in the languages of the pages. A booking comes with the language of its page."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class MailTexts(NamedTuple):
    """The texts of one language. `when` takes the parts of a time."""

    subject: str
    booked: str
    code: str
    enter: str
    link: str
    otherwise: str
    when: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]

    def write_when(self, start: datetime) -> str:
        """Return a local time in words, whatever the locale of the machine is."""
        return self.when.format(
            weekday=self.weekdays[start.weekday()],
            day=start.day,
            month=self.months[start.month - 1],
            year=start.year,
            clock=f"{start:%H:%M}",
        )


ENGLISH = MailTexts(
    subject="{code} is your code",
    booked="A booking was made with this address: {calendar}, {when}.",
    code="Your code: {code}",
    enter="The booking counts once you enter the code on the booking page.",
    link="Or open this link:",
    otherwise="If you made no booking, do nothing: it ends by itself.",
    when="{weekday}, {day} {month} {year}, {clock}",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
)  # fmt: skip
GERMAN = MailTexts(
    subject="{code} ist Ihr Code",
    booked="Mit dieser Adresse wurde gebucht: {calendar}, {when}.",
    code="Ihr Code: {code}",
    enter="Die Buchung gilt, sobald Sie den Code auf der Buchungsseite eingeben.",
    link="Oder öffnen Sie diesen Link:",
    otherwise="Wenn Sie nichts gebucht haben, müssen Sie nichts tun: Die Buchung endet von selbst.",
    when="{weekday}, {day}. {month} {year}, {clock}",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
        "Dezember",
    ),
)  # fmt: skip
FRENCH = MailTexts(
    subject="{code} est votre code",
    booked="Une réservation a été faite avec cette adresse : {calendar}, {when}.",
    code="Votre code : {code}",
    enter="La réservation compte dès que vous saisissez le code sur la page de réservation.",
    link="Ou ouvrez ce lien :",
    otherwise="Si vous n’avez rien réservé, ne faites rien : la réservation prend fin d’elle-même.",
    when="{weekday} {day} {month} {year}, {clock}",
    weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    months=(
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
        "décembre",
    ),
)  # fmt: skip
SPANISH = MailTexts(
    subject="{code} es su código",
    booked="Se ha hecho una reserva con esta dirección: {calendar}, {when}.",
    code="Su código: {code}",
    enter="La reserva cuenta en cuanto introduzca el código en la página de reservas.",
    link="O abra este enlace:",
    otherwise="Si no ha reservado nada, no haga nada: la reserva termina por sí sola.",
    when="{weekday}, {day} de {month} de {year}, {clock}",
    weekdays=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    months=(
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
        "diciembre",
    ),
)  # fmt: skip
TEXTS = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}


def texts_of(language: str) -> MailTexts:
    """Return the texts of a language tag: `de-AT` is German, and one without texts of its own is English."""
    return TEXTS.get(language.partition("-")[0].lower(), ENGLISH)
