"""The domain of the work log: the day, its figures and the journal's chains. Pure: no clock, no database."""
