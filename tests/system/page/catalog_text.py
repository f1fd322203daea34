"""The texts of a page in a pseudo-locale: those outside of brackets stand in code instead of a catalog."""

import re

# Every text that a visitor sees or hears.
TEXTS = """() => {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const parent = walk.currentNode.parentElement;
        const isRead = !parent.closest("noscript, script, style");
        // A closed list has no boxes for its choices.
        if (isRead && (parent.closest("select") ?? parent).checkVisibility()) found.push(walk.currentNode.data);
    }
    for (const one of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
        if (!one.checkVisibility()) continue;
        for (const name of ["aria-label", "title", "placeholder"]) found.push(one.getAttribute(name) ?? "");
    }
    return found;
}"""
WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
# Names and addresses, and the dates, times and zones by Intl.
DATA = re.compile(
    r"Slotcast|Pseudo Shop|Ada Xa|https?://\S+|Vienna|GMT|UTC|WebSocket|[AP]M|Central European Time"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun"
    r"|January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
)


def outside(texts: list[str], data: str = "") -> set[str]:
    """Return the texts with letters outside of brackets, beside names, dates and the given `data`."""
    known = re.compile(f"{DATA.pattern}|{data}") if data else DATA
    left = set()
    for text in texts:
        rest = text
        while (shorter := BRACKETED.sub("", rest)) != rest:
            rest = shorter
        if re.search(r"[^\W\d_]", known.sub("", rest)):
            left.add(text)
    return left
