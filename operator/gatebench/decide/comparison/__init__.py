"""The rules of a comparison's life: (comparison, snapshot) -> actions and a status. Pure, total, deterministic.

What is to be done next follows from which of its runs exist and what they say of themselves; nothing else is kept.
"""
