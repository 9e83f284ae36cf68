"""The tables of triage: aggregates as they are now, each with the columns that queries need and a JSON body."""

from typing import Any

from sqlalchemy import Boolean, Column, Date, Float, Index, Integer, MetaData, String, Table, Text, false, text

from shared.storage.types import UtcDateTime

metadata = MetaData()


def _known(column: str) -> dict[str, Any]:
    """Keep rows without a value out of an index: they would cost every insert and help no query."""
    where = text(f"{column} IS NOT NULL")
    return {"postgresql_where": where, "sqlite_where": where}


visit = Table(
    "visit",
    metadata,
    Column("visit_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    Column("version", Integer, nullable=False, comment="The sequence of its last event."),
    Column("state", String(16), nullable=False, comment="active, served or left"),
    Column("business_date", Date, nullable=False),
    Column("body", Text, nullable=False),
    Column("touched", UtcDateTime, comment="When anything of it was recorded last."),
    Index("visit_branch_day", "branch", "business_date"),
    Index("visit_state_day", "state", "business_date"),
    comment="Every visit as it is now, its tickets in the body.",
)

ticket = Table(
    "ticket",
    metadata,
    Column("ticket_id", String(128), primary_key=True),
    Column("visit_id", String(128), nullable=False),
    Column("branch", String(32), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("number", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("counter", String(128)),
    Column("lined", Float, nullable=False, comment="Since when it stands in its line, in epoch seconds."),
    Column("rank", Float, nullable=False, comment="Its place in the line: the lowest is called first."),
    Column("overtaken", Integer, nullable=False, comment="How often it was overtaken, up to counted_to (T12)."),
    Column("joined_seq", Integer, nullable=False, server_default="0", comment="The line's seq when it joined."),
    Column("counted_to", Integer, nullable=False, server_default="0", comment="The seq that overtaken is exact at."),
    Column("shield", Integer, nullable=False, server_default="0", comment="What it is guarded with, see store.line."),
    Column("shield_skill", Integer, nullable=False, server_default="0", comment="The same of calls for skills."),
    Column("waiting_from", UtcDateTime, comment="Since when it waits, breaks left out; null when it doesn't."),
    Column("line", String(136), comment="Where it stands; after a - while its customer is at a counter with another."),
    Column("business", String(64)),
    Column("customer_ref", String(128)),
    Column("card_token", String(128)),
    Column("diversion", String(16), comment="How far the guidance to a device has come (T3)."),
    Column("went", Boolean, nullable=False, server_default=false(), comment="Whether the customer went there."),
    Column("watch_at", UtcDateTime, comment="When the next alarm is due (T8)."),
    Column("care_at", UtcDateTime, comment="From when somebody should look after the customer (T8)."),
    Column("alarmed", Boolean, nullable=False, server_default=false(), comment="Whether its cap was alarmed (T12)."),
    Column("expires", UtcDateTime, comment="When its paper is given up; null once it is printed (T4)."),
    Index("ticket_number", "branch", "business_date", "number", unique=True),
    Index("ticket_rank", "branch", "state", "line", "rank", "ticket_id"),
    Index("ticket_lined", "branch", "state", "line", "lined", "ticket_id"),
    Index("ticket_business_rank", "branch", "state", "line", "business", "rank", "ticket_id"),
    Index("ticket_business_lined", "branch", "state", "line", "business", "lined", "ticket_id"),
    Index("ticket_customer", "customer_ref", **_known("customer_ref")),
    Index("ticket_card", "card_token", **_known("card_token")),
    Index("ticket_expires", "expires", **_known("expires")),
    Index("ticket_watch", "watch_at", **_known("watch_at")),
    Index("ticket_care", "branch", "care_at", **_known("care_at")),
    Index("ticket_longest", "branch", "state", "line", "waiting_from"),
    Index("ticket_day", "branch", "business_date", "state"),
    Index("ticket_visit", "visit_id"),
    comment="What is looked up and ordered by of every ticket.",
)

line_state = Table(
    "line_state",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("line", String(136), primary_key=True),
    Column("waiting", Integer, nullable=False, comment="How many wait."),
    Column("seq", Integer, nullable=False, comment="The number of its last call that overtook somebody (T12)."),
    Column("last_lined", Float, nullable=False, comment="The latest place that was ever taken."),
    Column("skills", Text, nullable=False, comment="The businesses that counters with skills have called ahead."),
    Column("version", Integer, nullable=False, server_default="0", comment="The sequence of its last event."),
    Column("above", Text, nullable=False, server_default="", comment="The thresholds that it is above (T8)."),
    Column("check_at", UtcDateTime, comment="When its thresholds and caps are looked at next."),
    Index("line_state_check", "check_at", **_known("check_at")),
    comment="Every line: how many stand in it, and how often one of them was overtaken (T12).",
)

overtaking = Table(
    "overtaking",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("line", String(136), primary_key=True),
    Column("business", String(64), primary_key=True, comment="Empty: of all businesses."),
    Column("lined", Float, primary_key=True, comment="The place of who was called: all earlier ones are overtaken."),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("counts", Boolean, nullable=False, comment="False: the counter could not have served those ahead."),
    Column("ticket_id", String(128), nullable=False, comment="Who was called."),
    Column("number", String(16), nullable=False),
    Column("counter", String(128), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("forced", Boolean, nullable=False, comment="Somebody was pushed beyond the cap."),
    Column("whom", Integer, nullable=False, comment="How many the call overtook, counted to 50."),
    Column("more", Boolean, nullable=False, comment="Whether there were more than 50."),
    Column("business_date", Date, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("overtaking_day", "branch", "business_date", "at"),
    comment="The fairness ledger: one row a call that overtakes and lane (T12).",
)

appointment = Table(
    "appointment",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("appointment_id", String(128), primary_key=True),
    Column("slot_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index("appointment_slot", "branch", "slot_at"),
    comment="Every appointment as it is now (T11).",
)

vip_credit = Table(
    "vip_credit",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("counter", String(64), primary_key=True),
    Column("credit", Float, nullable=False, comment="Calls that VIPs may have before others have one."),
    comment="How much of their share VIPs have left at a counter that serves others too (T7).",
)

counter = Table(
    "counter",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("counter", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    comment="Every counter as it is now (T10).",
)

device = Table(
    "device",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("device_id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    comment="Every device as it was last reported (T10).",
)

branch_policy = Table(
    "branch_policy",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("version", Integer, nullable=False, comment="Counts the branch's policies from 1."),
    Column("digest", String(64), nullable=False),
    Column("source", String(255), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("overrides", Text, nullable=False, comment="The branch's own exceptions, set by HTTP, as JSON."),
    Column("body", Text, nullable=False, comment="The whole policy as JSON."),
    comment="The policy that each branch is run by.",
)

number_series = Table(
    "number_series",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("prefix", String(4), primary_key=True),
    Column("last", Integer, nullable=False),
    comment="The last number of each channel and day (T4).",
)

number_block = Table(
    "number_block",
    metadata,
    Column("block_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    Column("terminal_id", String(128), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("prefix", String(4), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Index("number_block_of", "branch", "terminal_id", "business_date"),
    comment="Numbers that only one terminal gives out, while it has no network (T4).",
)

word = Table(
    "word",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("number", String(16), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    comment="What terminals said of offline numbers that nobody has heard of yet (T4).",
)

estimator = Table(
    "estimator",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("line", String(136), primary_key=True, comment="The channels that are one line, joined by +."),
    Column("body", Text, nullable=False),
    comment="What each line has taught about waits (T9).",
)

quote = Table(
    "quote",
    metadata,
    Column("ticket_id", String(128), primary_key=True),
    Column("body", Text, nullable=False),
    comment="What a ticket was promised and from what, until it is called or its customer leaves (T9).",
)
