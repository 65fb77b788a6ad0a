"""Which pictures wait to be compared with their photo, and who compares them"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNCHECKED = sa.text("checks = 'pending' AND state = 'succeeded' AND deleted_at IS NULL")


def upgrade() -> None:
    op.add_column("outputs", sa.Column("check_after", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outputs", sa.Column("check_tries", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(
        "ix_outputs_unchecked", "outputs", ["id"], sqlite_where=UNCHECKED, postgresql_where=UNCHECKED
    )
