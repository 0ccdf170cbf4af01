# What to change in what pwiz writes, such that it loads and leaves to the server what is its.

# libpq finds the database by PGHOST and the like.
s/^database = .*/database = PostgresqlDatabase(os.environ["PGDATABASE"])/
1s/^/import os\n/
/^class UnknownField/,/^$/d
# What the server computes is no field: a save() would send it. Keys that hold it are the server's.
/^ +(user_tier|owner_tier|user_is_erased|is_erased|live_(member|shared)_team) = /d
/\('(id|user)', '(tier|is_erased|owner|user_tier|owner_tier|user_is_erased)'\)/d
/^class Projects/,/^ +class Meta/{/^ +owner = /d;}
# A key of two columns refers by its first.
s/ (user|project) = ForeignKeyField\(backref='\w+', (.*)field='\w+'/ \1 = ForeignKeyField(\2field='id'/
s/ owner = (ForeignKeyField|UnknownField)\(.*/ owner = TextField()/
# Domains and labels.
s/ (credits\w*) = UnknownField/ \1 = IntegerField/
s/ (output_size_bytes) = UnknownField/ \1 = BigIntegerField/
s/ events = UnknownField\(/ events = ArrayField(field_class=TextField, /
s/UnknownField/TextField/
