"""What a large journal is found by: a branch's types, the times of each day's events, signed days and rosters (W10)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "w0003"
down_revision = "w0002"
branch_labels = None
depends_on = None

PARTIAL = (("day_signed", "day", "journal_hash IS NOT NULL"), ("figures_roster", "figures", "managers IS NOT NULL"))


def upgrade() -> None:
    op.drop_index("journal_branch_time", "journal")
    op.drop_index("journal_subject", "journal")
    for column in ("type", "subject"):
        op.create_index(f"journal_branch_{column}", "journal", ["branch", column, "position"])
    for name, table, condition in PARTIAL:
        columns, where = ["branch", "business_date"], sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
    first = "When the first of its events happened: a search by time begins here."
    last = "When the last of them happened."
    op.add_column("chain", sa.Column("earliest", UtcDateTime, comment=first))
    op.add_column("chain", sa.Column("latest", UtcDateTime, comment=last))
    for column, which in (("earliest", "min"), ("latest", "max")):
        times = f"SELECT {which}(time) FROM journal WHERE journal.branch = chain.branch AND journal.day = chain.day"
        op.execute(f"UPDATE chain SET {column} = ({times})")


def downgrade() -> None:
    with op.batch_alter_table("chain") as batch:
        batch.drop_column("latest")
        batch.drop_column("earliest")
    for name, table, _ in PARTIAL:
        op.drop_index(name, table)
    for column in ("type", "subject"):
        op.drop_index(f"journal_branch_{column}", "journal")
    op.create_index("journal_branch_time", "journal", ["branch", "time"])
    op.create_index("journal_subject", "journal", ["subject", "sequence"])
