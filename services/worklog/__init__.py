"""worklog: the lobby manager's log of the day, and the journal that it rests on (W1, W3, W7, W8, W10)."""
