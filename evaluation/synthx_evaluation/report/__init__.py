"""The report: one typed record, and what is written from it.

>>> from synthx_evaluation.report.assemble import assemble              # doctest: +SKIP
>>> from synthx_evaluation.report.criteria.rules import load_pack       # doctest: +SKIP
>>> report = assemble(card, packs=[load_pack("gdpr")])                  # doctest: +SKIP
>>> report.summary.headline                                             # doctest: +SKIP

Nothing is imported here: the record alone is light, and what writes a PDF is not.
"""
