"""What the store in PostgreSQL asks of its server: single statements, each of which commits alone.

They decide nothing: they compare a version and set, or read a range. ``{schema}`` is where the
store of :mod:`.postgres` lives.

A change is announced only if somebody listens. NOTIFY makes those who commit wait for each other,
each for the disk, and so would end their sharing of one wait. Whoever listens holds a shared
advisory lock of the channel; who changes something tries to take it alone, for a moment.
"""

from __future__ import annotations

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS {schema};
COMMENT ON SCHEMA {schema} IS {format};
CREATE TABLE IF NOT EXISTS {schema}.jobs (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    queue text NOT NULL,
    state text NOT NULL,
    priority bigint NOT NULL,
    due double precision NOT NULL,
    enqueued_at double precision NOT NULL,
    version bigint NOT NULL,
    write text NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_ready ON {schema}.jobs (queue, priority DESC, due, sequence)
    WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS jobs_due ON {schema}.jobs (state, due);
CREATE TABLE IF NOT EXISTS {schema}.keys (
    key text PRIMARY KEY, done_at double precision NOT NULL
);
"""


def _announced(bell: str, channel: str) -> str:
    return f"""
CASE WHEN NOT pg_try_advisory_lock({bell}) THEN pg_notify({channel}, due::text)
     WHEN NOT pg_advisory_unlock({bell}) THEN NULL END"""


_ANNOUNCED = _announced("%(bell)s", "%(channel)s")
# A new job without a delay is due no sooner than the one that came before it, though the clock of
# whoever enqueues it may be a little behind: see CLOCKS_DIFFER_S.
INSERT = f"""
WITH latest AS (
    SELECT due FROM {{schema}}.jobs
    WHERE queue = %(queue)s AND priority = %(priority)s AND state = 'ready' AND due = enqueued_at
          AND due > %(due)s::float8 AND due <= %(due)s::float8 + 1
          AND %(due)s::float8 = %(enqueued_at)s::float8
    ORDER BY due DESC LIMIT 1
), changed AS (
    INSERT INTO {{schema}}.jobs
        (id, queue, state, priority, due, enqueued_at, version, write, body)
    VALUES (%(id)s, %(queue)s, %(state)s, %(priority)s,
            coalesce((SELECT due FROM latest), %(due)s),
            coalesce((SELECT due FROM latest), %(enqueued_at)s), %(version)s,
            %(write)s, %(body)s)
    ON CONFLICT (id) DO NOTHING RETURNING due, write
)
SELECT write, {_ANNOUNCED} FROM changed
"""
SWAP = f"""
WITH changed AS (
    UPDATE {{schema}}.jobs
    SET state = %(state)s, due = %(due)s, version = %(version)s, write = %(write)s,
        body = %(body)s
    WHERE id = %(id)s AND version = %(expected)s RETURNING due, write
), completed AS (
    INSERT INTO {{schema}}.keys SELECT %(key)s::text, %(ended_at)s FROM changed
    WHERE %(key)s::text IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at
)
SELECT write, CASE WHEN %(state)s IN ('ready', 'leased') THEN {_ANNOUNCED} END FROM changed
"""
# Ended leases (place 0), and behind them the next ready records, no more and no larger than wanted.
LOOK = """
(SELECT 0 AS place, due, sequence, body FROM {schema}.jobs
 WHERE state = 'leased' AND due <= %(now)s ORDER BY due, sequence)
UNION ALL
(SELECT place, due, sequence, body FROM (
    SELECT row_number() OVER next AS place, sum(octet_length(body)) OVER next AS bytes,
           due, sequence, body
    FROM unnest(%(queues)s::text[]) AS asked (queue), LATERAL (
        SELECT * FROM {schema}.jobs
        WHERE jobs.queue = asked.queue AND state = 'ready' AND due <= %(now)s
        ORDER BY priority DESC, due, sequence LIMIT %(most)s
    ) AS first
    WINDOW next AS (ORDER BY priority DESC, due, sequence)
 ) AS all_of_them
 WHERE place = 1 OR (place <= %(most)s AND bytes <= %(bytes)s))
ORDER BY place
"""
# Take the first proposal that still fits and that nobody else is just taking, unless a record that
# nobody proposed comes before it: so who locks one takes it, and who skips it passes nobody over.
# One that is there already was carried out when this very claim was sent before.
CLAIM = f"""
WITH proposed AS (
    SELECT * FROM unnest(
        %(ids)s::text[], %(expected)s::bigint[], %(keys)s::text[], %(versions)s::bigint[],
        %(writes)s::text[], %(dues)s::float8[], %(bodies)s::bytea[], %(bells)s::bigint[],
        %(channels)s::text[]
    ) WITH ORDINALITY AS p (id, expected, key, version, write, due, body, bell, channel, place)
), already AS (
    SELECT place, proposed.write
    FROM proposed JOIN {{schema}}.jobs ON jobs.id = proposed.id AND jobs.write = proposed.write
), duplicate AS (
    SELECT place FROM proposed WHERE key IN (SELECT key FROM {{schema}}.keys)
), other AS (
    SELECT first.* FROM unnest(%(queues)s::text[]) AS asked (queue), LATERAL (
        SELECT priority, due, sequence FROM {{schema}}.jobs
        WHERE jobs.queue = asked.queue AND state = 'ready' AND due <= %(now)s
              AND (id, version) NOT IN (SELECT id, expected FROM proposed)
        ORDER BY priority DESC, due, sequence LIMIT 1
    ) AS first ORDER BY priority DESC, due, sequence LIMIT 1
), free AS (
    SELECT jobs.sequence, proposed.place
    FROM proposed JOIN {{schema}}.jobs ON jobs.id = proposed.id AND jobs.version = proposed.expected
    WHERE jobs.state = 'ready' AND proposed.place NOT IN (SELECT place FROM duplicate)
          AND NOT EXISTS (SELECT FROM already)
          AND NOT EXISTS (
              SELECT FROM other WHERE (-other.priority, other.due, other.sequence)
                                      < (-jobs.priority, jobs.due, jobs.sequence))
    ORDER BY proposed.place LIMIT 1 FOR UPDATE OF jobs SKIP LOCKED
), changed AS (
    UPDATE {{schema}}.jobs
    SET state = 'leased', due = proposed.due, version = proposed.version,
        write = proposed.write, body = proposed.body
    FROM free JOIN proposed USING (place)
    WHERE jobs.sequence = free.sequence
    RETURNING place, jobs.due, jobs.write, bell, channel
)
SELECT place, write, {_announced("bell", "channel")} FROM changed
UNION ALL SELECT place, write, NULL FROM already
UNION ALL SELECT place, NULL, NULL FROM duplicate
"""
# Which of these writes there are, as soon as whoever is just writing there is done.
WRITTEN = "SELECT write FROM {schema}.jobs WHERE id = ANY (%s) ORDER BY id FOR UPDATE"
