"""Sessions at once on one database: orders, the driver that keeps to one, and its trace."""
