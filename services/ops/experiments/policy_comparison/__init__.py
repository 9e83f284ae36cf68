"""``lobby simulate --compare``: the same customers under two policies, without running services.

A discrete-event run of a branch: ``engine`` lets customers come and counters call, by triage's own use
cases on a lobby in memory, so that what is compared is what would run. ``customers`` makes each seed's
arrivals, the same for both policies; ``figures`` sums up a run; ``comparison`` says what differs.
"""
