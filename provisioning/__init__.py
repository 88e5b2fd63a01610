"""The site's typed configuration and what technicians carry; works without the box."""
