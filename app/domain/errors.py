"""What can be wrong with a thing. No HTTP numbers here: web/problems.py has the one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.media import MediaRef

if TYPE_CHECKING:
    from pydantic import ValidationError


MESSAGE_CHARACTERS = 1000
"""What is said about wrong fields, at most: what was sent can have thousands, and `fields` names them all."""


class PicwardError(Exception):
    """The root of all that we raise on purpose; its text may be shown to the owner and holds no secret."""


class DeliveryRefused(PicwardError):
    """The bytes are not proven to come from the platform. The sender is told nothing more."""


class ClockWrong(DeliveryRefused):
    """The proof is the platform's, and another time than ours: a fresh one would be refused, too, until the clock is set."""


class DeliveryUnreadable(PicwardError):
    """The bytes are authentic and cannot be read; a retry cannot help."""


class DeliveryTooLarge(PicwardError):
    """The body is over `max_body_bytes`."""


class DeliveryRepeated(PicwardError):
    """A signed request that changes something was seen before."""


class PlatformUnknown(PicwardError):
    """No installed platform has this name."""


class SiteUnknown(PicwardError):
    """No such site for this person."""


class PairingRefused(PicwardError):
    """The pairing code is used, expired or not ours."""


class SettingsInvalid(PicwardError):
    """The settings do not fit their declaration. `fields` maps a field's name to what is wrong with it."""

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}

    @classmethod
    def of(cls, error: ValidationError, about: str, whole: str) -> SettingsInvalid:
        """Name each wrong field (a.b.0) after what the error is about; `whole` names what is wrong in no field alone."""
        fields = wrong_fields(error, whole)
        return cls(f"{about}: {'; '.join(f'{name}: {said}' for name, said in fields.items())}"[:MESSAGE_CHARACTERS], fields)

    @classmethod
    def of_environment(cls, error: ValidationError, prefix: str) -> SettingsInvalid:
        """Name each wrong variable of the environment, a line each."""
        fields = {f"{prefix}{name}".upper(): said for name, said in wrong_fields(error, "*").items()}
        return cls("The settings are wrong.\n" + "\n".join(f"{name}: {said}" for name, said in fields.items()), fields)


class OwnerNeeded(SettingsInvalid):
    """Only an owner may change this, in the console; nothing was changed. `fields` names what."""


class MediaGone(PicwardError):
    """This version of the image is no longer there: deleted, or replaced by other bytes.

    `now` names the version that is there instead, when the platform tells it; that one is judged.
    """

    def __init__(self, message: str, now: MediaRef | None = None) -> None:
        super().__init__(message)
        self.now = now


class MediaSkipped(PicwardError):
    """The bytes are plainly something else than an image, and never were said to be one: nothing is judged, and it is counted."""


class MediaUnreadable(PicwardError):
    """The bytes are no image that we can decode within the limits."""


class SandboxFailed(MediaUnreadable):
    """The process that opened a picture died, hung, or answered nonsense; the sentence is for the owner."""


class PlatformUnavailable(PicwardError):
    """The platform did not answer, or asked us to come back; trying again later can help."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PlatformThrottled(PlatformUnavailable):
    """The platform has had enough of us for now: all work of the site waits for `retry_after` seconds."""


class PlatformClosed(PlatformUnavailable):
    """The platform answers nothing of this site, whatever is asked: it is frozen, locked or in maintenance, or a wall in front of
    it sends us away. All work of the site waits until that ends."""


class PlatformRefused(PicwardError):
    """The platform answered and said no; the owner must do something."""


class CredentialsExpired(PlatformRefused):
    """The platform no longer accepts our credentials; the site must be connected again. Until then all its work waits."""


class AddressForbidden(PlatformRefused):
    """The address leads into a private network and the site does not allow that."""


class ModelUnavailable(PicwardError):
    """A detector that the policy needs cannot run."""


class DecisionStale(PicwardError):
    """Someone else decided meanwhile, or the job's lease was lost."""


class DecisionUnknown(PicwardError):
    """No such decision for this person."""


class PersonUnknown(PicwardError):
    """No such account."""


class Escalated(PicwardError):
    """The picture was handed to those with more rights."""


class BeingReviewed(PicwardError):
    """Another person looks at this picture now, and has it for themselves for a while."""


class SecondPersonNeeded(PicwardError):
    """Two people must agree about this picture, and this person alone cannot be both."""


class UndoImpossible(PicwardError):
    """What was done cannot be taken back: the picture is gone, or was deleted for good."""


class SignInRefused(PicwardError):
    """The e-mail or the password is wrong, or there were too many tries."""


class LinkExpired(PicwardError):
    """The one-time link was used, or is too old."""


class FormForged(PicwardError):
    """The form did not come from our own page."""


class HashListUnreadable(PicwardError):
    """A line of an imported hash list is wrong; the text names the line."""


class TokenRefused(PicwardError):
    """The program's token is missing, unknown, revoked or too old. It is told nothing more."""


class ScopeMissing(PicwardError):
    """The program's token is good and may not do this."""


class TooManyRequests(PicwardError):
    """Somebody asked, or guessed, too often; they may go on after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooBusy(PicwardError):
    """So much costly work is asked for at once that this was not begun; try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TriedPictureGone(PicwardError):
    """A picture that somebody tried was dropped since, or was never theirs."""


class DatabaseUnavailable(PicwardError):
    """The database is busy or away; nothing was written, and trying again later can help."""


class NotStored(PicwardError):
    """The database did not take a row: another has its key, or a rule of its table forbids it."""


class VaultKeyWrong(PicwardError):
    """The database was written with another key."""


def wrong_fields(error: ValidationError, whole: str) -> dict[str, str]:
    """Say what is wrong with each field, in the words of its declaration and without pydantic's preambles."""
    return {
        ".".join(str(part) for part in found["loc"]) or whole: found["msg"].removeprefix("Value error, ")
        for found in error.errors()
    }
