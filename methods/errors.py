"""Named refusals: place, found, wanted and remedy."""


class Refusal(Exception):
    """A refusal a person can act on.

    Args:
        place: where it was met: source, file, row, table, setting.
        found: what stood there.
        wanted: what should have stood there.
        remedy: what to do about it.
    """

    def __init__(self, place: str, found: str, wanted: str, remedy: str = "") -> None:
        self.place, self.found, self.wanted, self.remedy = place, found, wanted, remedy
        super().__init__(place, found, wanted, remedy)

    def __str__(self) -> str:
        text = f"{self.place}: found {self.found}; wanted {self.wanted}."
        return f"{text} {self.remedy}" if self.remedy else text


class SourceUnreadable(Refusal):
    """A source cannot be read."""


class PushRefused(Refusal):
    """A server does not take what is pushed to it."""


class HeaderMismatch(Refusal):
    """The headers of a delivery are not those agreed."""


class DeliveryRefused(Refusal):
    """A delivery is not accepted."""


class SourceFailed(Refusal):
    """One or more sources of a run failed."""


class GateRefused(Refusal):
    """A critical expectation of a gate is not met."""


class GuidelineMissing(Refusal):
    """No value is in force on a date."""


class ForbiddenInput(Refusal):
    """A score would use what the guideline forbids."""


class VerdictsTooFew(Refusal):
    """Earlier verdicts do not bear a model."""


class FrameMismatch(Refusal):
    """Frame and sample do not fit together."""


class DesignMismatch(Refusal):
    """Rows do not fit the design declared for them."""


class WeightWrong(Refusal):
    """A weight is not a positive number."""


class SingleUnit(Refusal):
    """A stratum shows one unit, so its variance is unknown."""


class CalibrationFailed(Refusal):
    """No weights meet the margins asked for."""


class AssignmentImpossible(Refusal):
    """Plans are left that no inspector may take."""


class FrozenConflict(Refusal):
    """What was frozen would have to change."""


class FigureMissing(Refusal):
    """A figure that was named does not exist."""


class EditionUnfit(Refusal):
    """What an edition says of itself does not fit its place, or files of it are missing."""


class EditionUnwritable(Refusal):
    """An edition cannot be written whole."""


class BadPeriod(Refusal):
    """Not a period of the programme."""


class SettingWrong(Refusal):
    """A setting cannot be used."""


class CertificateWrong(Refusal):
    """A draw certificate cannot be read, or does not hold."""


class SeedMismatch(Refusal):
    """A seed is not the one that was committed to."""


class AreaModelRefused(Refusal):
    """A model of areas cannot be fitted."""


class BenchmarkImpossible(Refusal):
    """Areas cannot be brought to the figure of their whole."""


class CountsImpossible(Refusal):
    """Counts that nothing can have been counted to."""


class MeasurementUseless(Refusal):
    """A measurement says no more of the truth than chance."""


class AgreementUndefined(Refusal):
    """Two measurements cannot be held against each other."""


class RepeatsMismatch(Refusal):
    """Repeats do not fit the visits they repeat."""


class PropensityUnfit(Refusal):
    """The propensity to respond cannot be fitted."""


class FiguresUnfit(Refusal):
    """Figures cannot be published as they stand."""


class MailServerRefused(Refusal):
    """A mail server cannot be used."""


class FileChanged(Refusal):
    """A file of an edition is not the one that was recorded."""


class EditionNotDelivered(Refusal):
    """An edition does not go out, or not to everyone."""


class TableInconsistent(Refusal):
    """A table to be printed is broken, or does not add up."""


class DisclosureRemains(Refusal):
    """What is withheld could still be worked out."""


class TranslationMissing(Refusal):
    """A page has a message the catalogue of its language lacks."""
