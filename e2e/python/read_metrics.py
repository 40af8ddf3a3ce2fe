"""Reads files of OpenMetrics text by its authors' own parser, the strict one; prints how many samples each has, or why it is refused."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

refused = 0
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as f:
        text = f.read()
    try:
        print("samples", sum(len(family.samples) for family in text_string_to_metric_families(text)), name)
    except ValueError as e:
        refused += 1
        print("refused", name, e)
sys.exit(1 if refused else 0)
