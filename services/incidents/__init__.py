"""incidents: disputes, suspicious persons, disruptions and hazards, each with its own record (I1-I4, I6)."""
