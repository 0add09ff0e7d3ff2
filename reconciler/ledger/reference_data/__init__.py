"""Reference data: a tenant's codes, periods, currencies, segments and custom fields."""
