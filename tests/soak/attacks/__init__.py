"""Clients and versions that harm others, and what others notice of them.

crowd.py      connections that are held, fed slowly, left unread or abandoned
bodies.py     what is sent: small to write, costly to answer
catalogue.py  the attacks, by name
measuring.py  one attack beside a normal client, probes and a look at the memory
report.py     the table of all of them
"""
