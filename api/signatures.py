"""Signatures of incoming webhooks: over the exact bytes, in constant time, with a limited age."""

from __future__ import annotations

import hashlib
import hmac

from api.problems import Problem

STRIPE_TOLERANCE_SECONDS = 300
ZOOM_TOLERANCE_SECONDS = 300


def _refused(reason: str) -> Problem:
    return Problem(401, "signature_refused", reason)


def verify_stripe(header: str, body: bytes, secret: str, now: float) -> None:
    """``Stripe-Signature: t=<unix>,v1=<hex>[,v1=<hex>]``: HMAC-SHA256 of ``t.body``. Raises Problem 401.

    https://docs.stripe.com/webhooks#verify-manually
    """
    parts = [part.partition("=") for part in header.split(",")]
    stamp = next((value for key, _, value in parts if key.strip() == "t"), "")
    signatures = [value for key, _, value in parts if key.strip() == "v1"]
    if not stamp.isdecimal() or not signatures:
        raise _refused("Stripe-Signature is missing or malformed")
    if abs(now - int(stamp)) > STRIPE_TOLERANCE_SECONDS:
        raise _refused("Stripe-Signature is too old")
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected, signature) for signature in signatures):
        raise _refused("Stripe-Signature does not fit the body")


def verify_zoom(signature: str, stamp: str, body: bytes, secret: str, now: float) -> None:
    """``x-zm-signature: v0=<hex>``: HMAC-SHA256 of ``v0:timestamp:body``. Raises Problem 401.

    https://developers.zoom.us/docs/api/webhooks/#verify-with-zooms-header
    """
    if not stamp.isdecimal() or not signature:
        raise _refused("x-zm-signature or x-zm-request-timestamp is missing")
    if abs(now - int(stamp)) > ZOOM_TOLERANCE_SECONDS:
        raise _refused("x-zm-request-timestamp is too old")
    expected = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise _refused("x-zm-signature does not fit the body")


def zoom_validation(plain_token: str, secret: str) -> dict[str, str]:
    """The answer to Zoom's check of the endpoint."""
    encrypted = hmac.new(secret.encode(), plain_token.encode(), hashlib.sha256).hexdigest()
    return {"plainToken": plain_token, "encryptedToken": encrypted}
