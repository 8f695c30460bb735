"""When a deployment's runs begin: one entry of `schedules` in `prefect.yaml`."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from exemplar.settings import Settings

# Intervals count from here unless the file says otherwise: counted from the moment of deploying,
# every new deployment would shift them.
ANCHOR = datetime.datetime(2020, 1, 1)

# A key without a value is as good as none.
Parameters = Annotated[
    dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)
]


class Schedule(Settings):
    """When runs begin: by exactly one of `cron`, `interval` and `rrule`.

    Attributes:
        cron: five fields, as in a crontab.
        interval: seconds, `HH:MM:SS` or ISO 8601, from `anchor_date` on.
        rrule: a rule of iCalendar, such as `FREQ=WEEKLY;BYDAY=SU`.
        timezone: an IANA name, in which the schedule's hours count.
        anchor_date: for `interval`.
        day_or: for `cron`: whether day of month or day of week suffices.
        active: whether it begins runs.
        parameters: of its runs, over those of the deployment.
        slug: a name.
    """

    cron: str | None = None
    interval: datetime.timedelta | None = None
    rrule: str | None = None
    timezone: Annotated[str, BeforeValidator(lambda value: value or "UTC")] = "UTC"
    anchor_date: datetime.datetime | None = None
    day_or: bool | None = None
    active: bool = True
    parameters: Parameters = Field(default_factory=dict)
    slug: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Schedule:
        kinds = [name for name in ("cron", "interval", "rrule") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(
                f"expected one of cron, interval and rrule, got {' and '.join(kinds) or 'none'}"
            )
        for key, kind in (("anchor_date", "interval"), ("day_or", "cron")):
            if getattr(self, key) is not None and kinds != [kind]:
                raise ValueError(f"{key} belongs to {kind}, not to {kinds[0]}")
        try:
            self.for_prefect()
        except ValidationError as error:
            raise ValueError("; ".join(map(message_of, error.errors()))) from None
        return self

    def for_prefect(self) -> DeploymentScheduleCreate:
        """The same in Prefect's terms."""
        if self.cron is not None:
            day_or = True if self.day_or is None else self.day_or
            rhythm = CronSchedule(cron=self.cron, timezone=self.timezone, day_or=day_or)
        elif self.interval is not None:
            # Prefect looks at the name of the zone only after it was used.
            CronSchedule(cron="* * * * *", timezone=self.timezone)
            anchor = self.anchor_date or ANCHOR
            if anchor.tzinfo is None:
                anchor = anchor.replace(tzinfo=ZoneInfo(self.timezone))
            rhythm = IntervalSchedule(
                interval=self.interval, anchor_date=anchor, timezone=self.timezone
            )
        else:
            rhythm = RRuleSchedule(rrule=str(self.rrule), timezone=self.timezone)
        return DeploymentScheduleCreate(
            schedule=rhythm, active=self.active, parameters=self.parameters, slug=self.slug
        )


def message_of(item: Any) -> str:
    """One of pydantic's problems in a few words."""
    if item["type"] == "missing":
        return "is missing"
    if item["type"] == "extra_forbidden":
        return "unknown key"
    said = re.sub(r"^(Value error|Assertion failed), ", "", item["msg"])
    return said if item["type"] == "value_error" else f"{said}, got {item['input']!r}"
