"""The list planner: finds one page of an organization's voices without scanning, sorting or counting the list.

Partitions: for each sort column, an index begins with organization, status and provider. The voices of one status and
one provider, a partition, are therefore one contiguous range that is already in order. An index scan merges the
partitions that the filters allow and stops when the page is full.

Counts: triggers maintain `voice_stats`, the number of voices in each group. Totals come from there, so that rows before
a page are skipped by their count, and the second half of a list is read from its end.

Other filters are tested inside the index. If few voices can match, they are looked up by id instead: through the index
of groups, the index of last uses, or the trigrams of a text. What cannot be counted cheaply is counted up to a limit.
"""
