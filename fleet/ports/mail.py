"""The platform mailer: Amazon SES v2, or an outbox folder for laptops and tests."""

from __future__ import annotations

import asyncio
import uuid
from email.utils import formataddr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fleet.aws import service_client
from fleet.helper_settings import HelperRuntimeSettings
from fleet.marshalling import attribute, plain
from helpers.errors import PermanentFailure, TransientFailure
from helpers.ports import MailMessage, MailReceipt

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "LimitExceededException"})


class OutboxMailer:
    """Keeps each mail as a JSON file under ``<folder>/mail``; every sender counts as verified."""

    def __init__(self, folder: Path, user_address: str) -> None:
        self._folder = folder / "mail"
        self._user_address = user_address

    async def is_verified(self, from_email: str) -> bool:
        """An outbox accepts any sender."""
        return bool(from_email)

    async def send(self, message: MailMessage) -> MailReceipt:
        """Write the mail; the same idempotency key overwrites its own file."""
        to = message.to or self._user_address
        name = uuid.uuid5(uuid.NAMESPACE_OID, message.idempotency_key) if message.idempotency_key else uuid.uuid4()
        text = message.model_copy(update={"to": to}).model_dump_json(indent=2)
        await asyncio.to_thread(self._write, f"{name}.json", text)
        return MailReceipt(message_id=str(name), to=to)

    def _write(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(text)


class SesMailer:
    """Sends through SES v2. An empty recipient is the address of the execution's user."""

    def __init__(self, settings: HelperRuntimeSettings, dynamodb: DynamoDBClient, user_id: str) -> None:
        self._settings = settings
        self._dynamodb = dynamodb
        self._user_id = user_id

    async def is_verified(self, from_email: str) -> bool:
        """Whether SES lets this account send as the address, by itself or by its domain."""
        for identity in (from_email, from_email.rpartition("@")[2]):
            try:
                answer = await self._call("get_email_identity", EmailIdentity=identity)
            except PermanentFailure:
                continue  # no such identity; the other form may exist
            if answer.get("VerifiedForSendingStatus"):
                return True
        return False

    async def send(self, message: MailMessage) -> MailReceipt:
        """Send one mail. Raises PermanentFailure (refused) or TransientFailure (throttled, outage)."""
        to = message.to or await self._user_address()
        sender = message.from_email or self._settings.mail_from
        if not sender:
            raise PermanentFailure("no sender for platform mails is configured: set MAIL_FROM")
        body: dict[str, Any] = {}
        if message.text or message.html is None:
            body["Text"] = {"Data": message.text, "Charset": "UTF-8"}
        if message.html is not None:
            body["Html"] = {"Data": message.html, "Charset": "UTF-8"}
        answer = await self._call(
            "send_email",
            FromEmailAddress=formataddr((message.from_name, sender)) if message.from_name else sender,
            Destination={"ToAddresses": [to]},
            Content={"Simple": {"Subject": {"Data": message.subject, "Charset": "UTF-8"}, "Body": body}},
            **({"ReplyToAddresses": [message.reply_to]} if message.reply_to else {}),
        )
        return MailReceipt(message_id=str(answer["MessageId"]), to=to)

    async def _user_address(self) -> str:
        if not self._settings.users_table:
            raise PermanentFailure("the user's address is not known here: name a recipient, or set USERS_TABLE")
        answer = await self._dynamodb.get_item(
            TableName=self._settings.users_table, Key={"user_id": attribute(self._user_id)}
        )
        address = plain(answer.get("Item", {})).get("email")
        if not address:
            raise PermanentFailure("the account user has no e-mail address: name a recipient")
        return str(address)

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        async with service_client(self._settings, "sesv2") as client:
            try:
                answer: dict[str, Any] = await getattr(client, operation)(**request)
            except ClientError as exc:
                code = exc.response["Error"]["Code"]
                status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                if code in _THROTTLED or status >= 500:
                    raise TransientFailure(f"SES {operation} failed: {code}") from exc
                raise PermanentFailure(f"SES {operation} was refused: {code}") from exc
            except BotoCoreError as exc:
                raise TransientFailure(f"SES {operation} failed: {type(exc).__name__}") from exc
        return answer
