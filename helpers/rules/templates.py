"""Merge text: integration spec C7; also contact (note_it, default_to_field), notification (notify_me).

``fields`` maps every known key to its text, "" where the contact has no value. All functions make one pass: what
was inserted is not looked at again. An unknown key stays as written, except in URLs, where it becomes empty.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from helpers.contract import HelperContext
from helpers.crm.models import Contact
from helpers.rules.fields import contact_values
from helpers.rules.text import to_text

Escape = Callable[[str], str]

_DOUBLE_BRACES = re.compile(r"\{\{([^{}]*)\}\}")
_SINGLE_BRACES = re.compile(r"\{([^{}]*)\}")


def merge_fields(contact: Contact, *, separator: str = ", ") -> dict[str, str]:
    """Every merge key of the contact (integration C7) with its text; ``separator`` joins lists."""
    return {key: to_text(value, separator=separator) for key, value in contact_values(contact).items()}


def merge(template: str, fields: Mapping[str, str], *, escape: Escape | None = None) -> str:
    """Replace ``{{key}}``, blanks allowed inside the braces; ``escape`` is put on inserted values only."""
    return _DOUBLE_BRACES.sub(_insert(fields, escape, key_of=_trimmed), template)


async def merged_text(ctx: HelperContext[Any], template: str) -> str:
    """The template merged with the current contact, which is read only if the template needs it.

    For helpers that run without a contact too: then nothing is known and every placeholder stays.
    """
    if not ctx.has_crm or not _DOUBLE_BRACES.search(template):
        return template
    return merge(template, merge_fields(await ctx.load_contact()))


def merge_single_braces(template: str, fields: Mapping[str, str], *, escape: Escape | None = None) -> str:
    """Replace ``{key}`` (dropbox_it, trello_it)."""
    return _SINGLE_BRACES.sub(_insert(fields, escape), template)


def merge_url(template: str, fields: Mapping[str, str]) -> str:
    """Replace ``{{key}}`` in a URL: values are percent-encoded, unknown keys become empty."""
    return _DOUBLE_BRACES.sub(lambda match: quote(fields.get(_trimmed(match), ""), safe=""), template)


def merge_with_at(template: str, fields: Mapping[str, str], *, escape: Escape | None = None) -> str:
    """Replace ``{{key}}`` and ``@key`` (slack_it).

    An ``@`` counts at the start or after a non-word character; the key is the longest known one that ends at a word
    boundary. So ``sales@Company.com`` stays.
    """
    pattern = re.compile(rf"{_DOUBLE_BRACES.pattern}|(?<!\w)@({_any_of(fields)})(?!\w)")
    return pattern.sub(_insert(fields, escape, key_of=lambda match: match[2] or _trimmed(match)), template)


def merge_at_tokens(template: str, fields: Mapping[str, str]) -> str:
    """Replace ``@key`` anywhere, also inside a word, longest known key first (default_to_field)."""
    return re.sub(f"@({_any_of(fields)})", _insert(fields, None), template)


def has_placeholder_before_path(url_template: str) -> bool:
    """Whether a ``{{key}}`` stands in scheme, host or port, where contact data would choose the target."""
    after_scheme = re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*://", url_template)
    path = re.search(r"[/?#]", url_template[after_scheme.end() :]) if after_scheme else None
    authority = url_template[: after_scheme.end() + path.start()] if after_scheme and path else url_template
    first = _DOUBLE_BRACES.search(url_template)
    return first is not None and first.start() < len(authority)


def escape_html(text: str) -> str:
    """``& < > " '`` as HTML references."""
    return html.escape(text, quote=True)


def escape_slack(text: str) -> str:
    """``& < >`` as Slack demands: they are its control characters."""
    return html.escape(text, quote=False)


def one_line(text: str) -> str:
    """Each run of line breaks as one blank: keeps contact data out of mail headers."""
    return re.sub(r"[\r\n]+", " ", text)


def _trimmed(match: re.Match[str]) -> str:
    return match[1].strip()


def _insert(
    fields: Mapping[str, str], escape: Escape | None, key_of: Callable[[re.Match[str]], str] = lambda match: match[1]
) -> Callable[[re.Match[str]], str]:
    def replacement(match: re.Match[str]) -> str:
        value = fields.get(key_of(match))
        if value is None:
            return match[0]
        return escape(value) if escape else value

    return replacement


def _any_of(keys: Iterable[str]) -> str:
    """A pattern for the keys, the longest first; one that never matches when there is none."""
    return "|".join(map(re.escape, sorted(filter(None, keys), key=len, reverse=True))) or r"(?!)"
