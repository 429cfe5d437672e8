"""Which names stand for a commit, and who asked for it, is found without looking at everybody else's."""

from __future__ import annotations

from alembic import op

revision = "0011_indices"
down_revision = "0010_review"


def upgrade() -> None:
    op.create_index("ix_refs_commit", "refs", ["repo", "sha"])
    # It does what the one on the repository alone did.
    op.create_index("ix_audit_commit", "audit", ["repo", "commit"])
    op.drop_index("ix_audit_repo", "audit")


def downgrade() -> None:
    op.create_index("ix_audit_repo", "audit", ["repo"])
    op.drop_index("ix_audit_commit", "audit")
    op.drop_index("ix_refs_commit", "refs")
