# What to change in what sqlacodegen writes, such that it loads and leaves to the server what is its.

# Domains: a column is of the type beneath.
s/DOMAIN\('[a-z_]+', TEXT\(.*metadata=MetaData\(\)\)/Text/
s/DOMAIN\('[a-z_]+', INTEGER\(.*metadata=MetaData\(\)\)/Integer/
s/DOMAIN\('[a-z_]+', BIGINT\(.*metadata=MetaData\(\)\)/BigInteger/
# Checks are the server's, and so are columns that it computes for its keys.
/^ +CheckConstraint\(/d
/^ +(ForeignKey|Unique)Constraint\(.*(_tier|is_erased|live_(member|shared)_team_id|'tier')'?/d
/relationship\(.*(_tier|is_erased|live_(member|shared)_team)/d
/^ +(user_tier|owner_tier|user_is_erased|is_erased|live_(member|shared)_team_id): /d
s/\b(memberships|api_keys)_user\b/\1/
s/relationship\((.*), foreign_keys=('\[\w+\.user_id\]'|\[user_id\])/relationship(\1/
# So is a deletion: it knows what goes along, and what stays.
s/(: Mapped\[list\[.*relationship\(.*)\)$/\1, passive_deletes='all')/
# So is updated_at, with each change.
s/(updated_at: .*server_default=text\('now\(\)'\))\)/\1, server_onupdate=FetchedValue())/
s/^from sqlalchemy import /from sqlalchemy import FetchedValue, /
