"""``lobby simulate``: terminals, tellers, managers and a lobby manager, over HTTP, as real ones would be.

``plan`` decides beforehand what becomes of every customer, so that two runs agree whatever the
machine's latency; ``client`` says everything until it's heard, and no thing twice; the actors act;
``expected_figures`` counts what was asked, and ``agreement`` holds the services' and the work log's figures
against it.
"""
