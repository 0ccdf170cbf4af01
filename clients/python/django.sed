# What to change in what inspectdb writes, such that it loads and leaves to the server what is its.

1,/^from django/s/^from django.db import models/import uuid\nfrom datetime import timedelta\n\nfrom django.contrib.postgres.fields import ArrayField\nfrom django.db import models\nfrom django.db.models.functions import Now\n\n\ndef everything() -> list[str]:\n    return ["*"]/
# What the server computes is no field: Django would send it.
/^ +(user_tier|owner_tier|user_is_erased|is_erased|live_(member|shared)_team) = /d
/^class Projects\(/,/^ +class Meta/{/^ +owner = /d;}
/unique_together = \(\('id', /d
# Two jobs of a project may be finished: only one is active.
s/project = models.OneToOneField\(/project = models.ForeignKey(/
# Defaults: Django leaves no column out of an INSERT. Ids are made here, the rest there.
s/id = models.UUIDField\(primary_key=True\)/id = models.UUIDField(primary_key=True, default=uuid.uuid4)/
s/((cre|upd)ated_at) = models.DateTimeField\(\)/\1 = models.DateTimeField(db_default=Now())/
/^class Invitations/,/^class /s/expires_at = models.DateTimeField\(\)/expires_at = models.DateTimeField(db_default=Now() + timedelta(hours=168))/
s/ (credits\w*|ephemeral_storage_bytes|attempts|sequence|\w+_count|render_seconds|api_calls) = models.(\w+)\(\)/ \1 = models.\2(db_default=0)/
s/max_attempts = models.IntegerField\(\)/max_attempts = models.IntegerField(db_default=5)/
s/is_active = models.BooleanField\(\)/is_active = models.BooleanField(db_default=True)/
/^class Teams/,/^class /s/slug = models.TextField\(unique=True\)/slug = models.TextField(unique=True, db_default="(made from the name)")/
/^class ApiKeys/,/^class /s/ name = models.TextField\(\)/ name = models.TextField(db_default="Default")/
s/ (settings|options|progress|payload|metadata) = models.JSONField\(\)/ \1 = models.JSONField(default=dict)/
s/scopes = models.JSONField\(\)/scopes = models.JSONField(default=everything)/
# Labels, and lists of them.
s/ tier = models.TextField\(\).*/ tier = models.TextField(db_default="starter")/
/^class (Memberships|Invitations)/,/^class /s/ role = models.TextField\(\).*/ role = models.TextField(db_default="member")/
/^class (AssetFiles|WebhookDeliveries)/,/^class /s/ status = models.TextField\(\).*/ status = models.TextField(db_default="pending")/
/^class Jobs/,/^class /s/ status = models.TextField\(\).*/ status = models.TextField(db_default="queued")/
/^class Projects/,/^class /s/ status = models.TextField\(\).*/ status = models.TextField(db_default="draft")/
s/ (events|tags) = models.TextField\(\).*/ \1 = ArrayField(models.TextField())/
s/  # This field type is a guess.//
