"""The name of the application's role, for those who need not know what it may do."""

from typing import Final

APPLICATION: Final = "framecast_app"
