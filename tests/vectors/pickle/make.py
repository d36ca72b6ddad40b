"""Write the messages that tests/unit/test_pickle.c expects, one file for each
pickle protocol: make.py DIRECTORY"""
import pickle
import struct
import sys

points = [
    ('a.b', (1700000000, 1)),
    ('a.b;k=v', (1700000001, 0.1)),
    ['list.pair', [1700000002, -5]],
    ('str.numbers', ('1700000003', '3.250')),
    ('big', (1700000004, 2 ** 70)),
    ('bool', (1700000005.5, True)),
    ('caf\u00e9.\u20ac', (-1, 1e300)),
    ('quote\'back\\slash', (1700000006, 12345678901234)),
    ('nan', (1700000007, float('nan'))),
    ('inf', (1700000008, float('-inf'))),
    ('none', (1700000009, None)),
    ('three', (1, 2), 3),
    'text',
    ('', (1700000010, 1)),
    ('repeat', (1700000000, 256)),
    ('repeat', (1700000000, 65536)),
    ('new\nline and blank', (1700000011, -70000)),
    (17, (1700000012, 1)),
]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    payload = pickle.dumps(points, protocol)
    with open('%s/protocol-%d.pickle' % (sys.argv[1], protocol), 'wb') as f:
        f.write(struct.pack('!L', len(payload)) + payload)
