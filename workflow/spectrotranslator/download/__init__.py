"""Files and tables from archives: fetched, resumed, checked, recorded."""
