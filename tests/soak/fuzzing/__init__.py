"""Every decoder is fed what nobody would send.

targets.py   what is fed, and what may come of it
__main__.py  feeds one of them: `python -m tests.soak.fuzzing TARGET -max_total_time=600 FOLDER`
running.py   feeds all of them, each in a process of its own
"""
