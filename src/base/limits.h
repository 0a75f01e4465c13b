/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cap that is not an operator's setting, in one place, each with its reason. What operators
 * tune stands in conf/keys.def.
 */
#pragma once

enum {
    KIB = 1024,
    MIB = 1024 * 1024,

    /* net: one read takes at most this much; a worker has one such buffer, not one a connection */
    NET_READ_BYTES = 64 * KIB,
    /* net: and this much where the owner gave the place: a large body in few reads, others' turn kept */
    NET_INTO_BYTES = 512 * KIB,
    /* net: one TLS record's plaintext (RFC 8446 section 5.1) */
    NET_RECORD_BYTES = 16 * KIB,
    /* net: queued output above HIGH answers HOLD; falling below LOW calls on_drain */
    NET_WRITE_HIGH = 64 * KIB,
    NET_WRITE_LOW = 16 * KIB,
    /* net: what is still queued when the owner has finished has this long to leave */
    NET_FINISH_MS = 30 * 1000,
    /* net: more than this queued for one peer means that a producer ignores HOLD */
    NET_WRITE_CAP = 256 * MIB,
    /* net: timers that fire in one wake-up; the rest waits for the next round */
    NET_TIMER_BATCH = 256,
    /* net: after the last answer byte, how long and how much we read away so that a peer that is
     * still sending sees our answer and not a reset (RFC 9112 section 9.6) */
    NET_LINGER_MS = 1000,
    NET_LINGER_BYTES = 1 * MIB,
    /* net: DNS answers are kept this long; the resolver interface gives no TTL */
    DNS_TTL_MS = 30 * 1000,
    DNS_NEGATIVE_TTL_MS = 2 * 1000,
    DNS_CACHE_ENTRIES = 1024,
    /* RFC 8305 section 5: wait before the next address of a family race */
    RACE_DELAY_MS = 250,
    RACE_ADDRESSES = 8,

    /* store: of a streamed body that takes its time, all but the newest block of this size is held
     * compressed; one that is over soon is not worth it before LONG */
    SPOOL_BLOCK_BYTES = 3 * KIB,
    SPOOL_LONG_BYTES = 64 * KIB,
    SPOOL_SLOW_MS = 1000,

    /* http: more header lines than this are an attack or a mistake */
    HTTP_HEADERS = 128,
    /* http: the longest target; longer ones get 414 */
    HTTP_TARGET_BYTES = 16 * KIB,
    /* http: pipelined bytes kept while an earlier request is being answered */
    HTTP_PIPELINE_BYTES = 64 * KIB,
    /* http: 1xx answers a provider may send before the real one */
    HTTP_INTERIM_ANSWERS = 8,
    /* http: extensions of one chunk; nobody uses them, but a parser must read past them */
    HTTP_CHUNK_EXTENSION_BYTES = 256,
    /* http: pieces up to this are copied behind their chunk line: cheaper than three slices */
    HTTP_JOIN_BYTES = 1 * KIB,
    /* http: heads and chunk lines written in one callback; what goes beyond is allocated, up to MAX */
    HTTP_SCRATCH_BYTES = 16 * KIB,
    HTTP_SCRATCH_MAX = 64 * MIB,
    /* http: an exchange's first arena chunk; most requests need no other */
    HTTP_ARENA_BYTES = 4 * KIB,
    /* http: exchanges, and calls, kept for reuse by a worker */
    HTTP_SPARES = 64,
    /* http: origins whose names came from requests; beyond it the least recently used goes */
    HTTP_ORIGINS = 1024,

    /* cf-aig-event-id: longer ones are not ids */
    EVENT_ID_BYTES = 256,
    /* cf-aig-metadata: data plane section 25 */
    METADATA_ENTRIES = 5,
    METADATA_BYTES = 16 * KIB,
    /* what people write about a row of the log: lists show all of it, on 50 rows a page */
    NOTE_BYTES = 10000,
    /* embeddings: inputs of one request, as OpenAI has it; so many calls are the most it can take */
    EMBED_INPUTS = 2048,
    /* what each of these calls may add to a request's own memory: its row, the lines of its head, a
     * signature, and some tries */
    EMBED_CALL_BYTES = 16 * KIB,
    /* a model's name inside a body; Google's are some thirty bytes */
    EMBED_MODEL_BYTES = 256,
    /* an error answer of our own */
    FAULT_BYTES = 4096,
    /* translation: names of what could not be told to a provider, and how much of each */
    IR_DROPPED = 32,
    IR_DROPPED_BYTES = 64,
    /* translation: first space for a text that is collected from pieces */
    IR_TEXT_STEP = 256,
    /* translation: number of an answer's choice; the most that any provider gives */
    IR_CHOICES = 128,
    /* cache times: data plane section 18.4; 30 days is its month */
    CACHE_TTL_MIN_S = 60,
    CACHE_TTL_MAX_S = 30 * 24 * 3600,
    /* a key of one's own, and no word about the time: data plane section 18.3 */
    CACHE_KEY_TTL_S = 300,
    /* stored answers go out in pieces, so that a slow client does not copy all of it into its queue */
    CACHE_PIECE_BYTES = 256 * KIB,
    /* readers of an answer served between two flushes: their heads, 64 KiB at most, wait in memory for it */
    CACHE_SERVED_AT_ONCE = 64,
    /* cf-aig-cache-key: longer ones are not keys */
    CACHE_KEY_BYTES = 1 * KIB,
    /* cf-aig-byok-alias: longer than any name of a stored credential */
    BYOK_ALIAS_BYTES = 256,
    /* the longest period of a stored key's rate limit: 30 days */
    KEY_PERIOD_MAX_S = 30 * 24 * 3600,
    /* tries of a target, and the pause between two: data plane section 20.2 */
    RETRY_ATTEMPTS = 5,
    RETRY_DELAY_MS = 60 * 1000,
    RETRY_DEFAULT_DELAY_MS = 100,
    /* how much of a failed answer is read, and for how long, before the next try */
    RETRY_READ_AWAY_BYTES = 64 * KIB,
    RETRY_READ_AWAY_MS = 500,
    /* health of targets: three failures in a row are no accident, and neither is every second one failing;
     * of fewer than eight results a half is only four */
    HEALTH_FAILURES_IN_A_ROW = 3,
    HEALTH_WINDOW = 16,
    HEALTH_WINDOW_LEAST = 8,
    /* health: the first cooldown outlasts a provider's hiccup; the longest asks a dead one once a minute */
    HEALTH_COOLDOWN_BASE_MS = 1000,
    HEALTH_COOLDOWN_GROWN_MS = 60 * 1000,
    /* health: what a Retry-After may ask for; beyond it a mistake there would cost too much */
    HEALTH_COOLDOWN_MS = 600 * 1000,
    /* health: targets known, some 64 bytes each; credentials and models come from requests */
    HEALTH_TARGETS = 4096,
    /* timeouts somebody may ask for: a day is longer than any answer takes */
    TIMEOUT_MAX_MS = 24 * 3600 * 1000,

    /* dynamic routes: people draw some ten elements; checking walks over all pairs of them */
    ROUTE_ELEMENTS = 256,
    ROUTE_TEXT_BYTES = 512,
    ROUTE_BYTES = 128 * KIB, /* read, a condition grows to two dozen times its text */
    ROUTE_NAME_BYTES = 128,
    ROUTE_WINDOW_MAX_S = 366 * 24 * 3600,
    CONDITION_DEPTH = 16,
    /* and how many are kept: all of the catalogue is in memory, and each version is a graph */
    ROUTES_MAX = 1000,
    ROUTE_VERSIONS_MAX = 1000,
    ROUTE_DEPLOYMENTS_MAX = 1000,
    /* policies: all of them are asked for one request; an expression of this size takes some 20 us */
    POLICIES_MAX = 256,
    POLICY_NAMES = 64,
    POLICY_BYTES = 16 * KIB,
    POLICIES_ARENA_BYTES = 64 * MIB, /* all that a gateway may have, read */
    CEL_BYTES = 4 * KIB,
    CEL_NODES = 512,
    CEL_DEPTH = 32,
    CEL_ITEMS = 128,

    /* a request's own memory: heads, ids, parsed fields (bodies are counted apart) */
    TXN_ARENA_BYTES = 4 * MIB,
    ARENA_CHUNK_BYTES = 2 * KIB,
    ARENA_SMALL_BYTES = 16 * KIB,
    /* one server-sent event may be this long before it is passed on in pieces */
    SSE_EVENT_BYTES = 4 * MIB,
    /* one AWS event-stream frame (the service's own limit is 16 MiB) */
    AWS_FRAME_BYTES = 16 * MIB,
    /* parsed events of a stream whose log entry is being read; a larger one is shown unmerged */
    MERGE_TREE_BYTES = 64 * MIB,
    /* members or elements of one value in a merged stream; a stream of more is no model's answer */
    MERGE_CHILDREN = 4096,
    /* the longest answer whose usage is read from the whole of it */
    METER_BODY_BYTES = 64 * MIB,
    /* bodies that are not JSON are streamed to the provider beyond this size */
    BODY_BUFFER_BYTES = 1 * MIB,

    /* store: rows that make the writer commit at once, and how long it waits for them otherwise */
    STORE_BATCH_ROWS = 512,
    STORE_COMMIT_MS = 50,
    /* store: how often the last uses of stored keys are saved */
    STORE_USES_MS = 60 * 1000,
    /* store: after a failed commit; a full disk is not helped by trying harder */
    STORE_RETRY_MS = 1000,
    /* store: failed commits a closing store puts up with before it gives its rows up */
    STORE_CLOSE_TRIES = 5,
    /* store: rows deleted in one go, so that new rows wait some 10 ms at most, and the pause between two goes
     * that nobody waits for */
    STORE_SWEEP_ROWS = 500,
    STORE_PAUSE_MS = 10,
    /* store: how often rows are looked for that have become too old */
    STORE_WALK_MS = 60 * 1000,
    /* store: settings of one object in the audit log; larger ones are left out of it */
    AUDIT_BYTES = 1 * MIB,
    /* store: roll-ups are kept for 62 days (control plane section 23) */
    ROLLUP_KEEP_MINUTES = 62 * 24 * 60,
    /* store: labels of a gateway that are told apart in an hour, and values of each; the rest is `other`.
     * What is longer is other, too */
    LABEL_NAMES = 64,
    LABEL_VALUES = 1000,
    LABEL_NAME_BYTES = 128,
    LABEL_VALUE_BYTES = 256,
    /* store: sums of labels deleted in one go: some 10 ms */
    LABEL_SWEEP_ROWS = 5000,
    /* analytics: values in a question's filter, and its statement: with the gateways of a large account */
    ANALYTICS_VALUES = 1000,
    ANALYTICS_SQL_BYTES = 4 * MIB,
    /* analytics: how long the reader works for one request; others wait */
    ANALYTICS_TIME_MS = 10 * 1000,
    /* store: raw bytes compressed as one; reading a body unpacks this much at most */
    SEGMENT_FRAME_BYTES = 1 * MIB,
    /* store: compressed bytes kept before they are written, within one commit */
    SEGMENT_WRITE_BYTES = 8 * MIB,
    /* store: a segment is the unit of retention */
    SEGMENT_BYTES = 64 * MIB,
    /* store: rows and texts of one answer, and of a snapshot of the catalogue */
    LOG_PAGE_BYTES = 64 * MIB,
    LOG_PAGE_ROWS = 10000,
    CATALOG_BYTES = 1024 * MIB,
    /* store: kinds of rows (gateway, model, status, ...) that are counted apart; looked through for a filter
     */
    LOG_FACETS = 16 * 1024,
    /* store: zones made in one transaction when an older log is opened */
    LOG_ZONES_AT_ONCE = 64,
    /* api: clauses of a filter; each is a condition of a statement */
    LOG_FILTER_CLAUSES = 100,
    /* store: how much of a search through the log is done before the next question has its turn: some 10 ms
     */
    LOG_STEP_ZONES = 16,
    /* store: a total is counted row by row up to so many zones, beyond it is reckoned from a sample of them
     */
    LOG_COUNT_ZONES = 98,
    LOG_SAMPLE_ZONES = 16,
    /* store: how deep a page may lie in an order other than that of time */
    LOG_DEEP_ROWS = 100 * 1000,
    /* store: settings of an evaluation: datasets come in bodies of the API */
    EVALUATION_BYTES = 32 * MIB,
    /* store: rows an evaluation looks at in one turn, and for how long; how long it may run before its
     * progress is first saved, and how often then */
    EVALUATION_STEP_ROWS = 2000,
    EVALUATION_STEP_MS = 10,
    EVALUATION_FIRST_MS = 20,
    EVALUATION_SAVE_MS = 2000,
    /* response cache: answers on disk; each takes 130 bytes of memory, to know that it is there */
    RESPCACHE_DISK_ENTRIES = 1024 * 1024,
    /* response cache: what may wait to be written; beyond it the disk is too slow and answers stay in memory
     */
    RESPCACHE_QUEUE_BYTES = 64 * MIB,
    /* response cache: one transaction; somebody may be waiting for an answer behind it */
    RESPCACHE_BATCH_BYTES = 8 * MIB,
    RESPCACHE_BATCH_ROWS = 512,
    /* response cache: how long a row waits for others */
    RESPCACHE_COMMIT_MS = 50,
    /* response cache: how often answers are looked for whose time is over: a short one is worth its memory
     * twice at most */
    RESPCACHE_SWEEP_MS = 60 * 1000,

    /* nesting depth of JSON that is accepted anywhere */
    JSON_DEPTH = 512,
    /* conf: a settings file and the snapshot made of it; generous for what people write by hand */
    CONF_FILE_BYTES = 256 * KIB,
    CONF_ARENA_BYTES = 4 * MIB,
    CONF_NAME_BYTES = 128,
    CONF_LIST = 256,
    CONF_PROVIDERS = 128,
    CONF_SETTINGS = 512,
    /* prices: longest model name looked up (a Bedrock ARN has some 150 bytes), and a catalogue in memory */
    MODEL_NAME_BYTES = 256,
    PRICES_ARENA_BYTES = 64 * MIB,
    /* price rules: looked through one by one for each answer, so as many as some 20 us allow */
    PRICE_RULES = 1000,
    /* upstream host pieces taken from a request: RFC 1035 label */
    HOST_LABEL_BYTES = 63,
    /* a whole host name: RFC 1035 section 2.3.4, without the root's dot */
    HOST_NAME_BYTES = 253,
    /* a Google service account as it stands in a header (about 3 KB in practice) */
    GCP_ACCOUNT_BYTES = 16 * KIB,
    /* its key: 4096 bits of RSA and some. Signing costs the cube of the length, on a worker's loop */
    GCP_KEY_BYTES = 4 * KIB,
    /* canonical request of an AWS signature: a target and a head, each byte of the target escaped twice */
    SIGV4_BYTES = 256 * KIB,

    /* keys that tokens are verified with: RFC 7518 section 3.3 asks for 2048 bits, and verifying costs the
     * square of the length */
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    /* an identity token: those that list groups and roles have up to 10 KB */
    JWT_BYTES = 16 * KIB,
    /* members of its two objects (30 are many); each name is compared with all others */
    JWT_MEMBERS = 128,
    /* whom it names: OpenID Connect Core section 2 */
    JWT_SUBJECT_BYTES = 255,
    /* signing in: a claim's value that a rule may be about; it stands in a cookie of 4 KB */
    SIGNIN_VALUE_BYTES = 256,
    /* signing in: a client's secret, and what a provider answers when one signs in: tokens and little else */
    SIGNIN_SECRET_BYTES = 4 * KIB,
    SIGNIN_ANSWER_BYTES = 256 * KIB,
    /* an issuer's keys: certificates beside them make some 30 KB */
    JWKS_BYTES = 256 * KIB,
    JWKS_KEYS = 64,

    /* mock: a request's body, and the text of an answer; what real services take, roughly */
    MOCK_BODY_BYTES = 16 * MIB,
    MOCK_ANSWER_BYTES = 16 * MIB,
    /* mock: longest wait anybody needs in a test */
    MOCK_DELAY_MS = 600 * 1000,
    /* mock: events of one stream; and without a word about it, at most so many pieces of text */
    MOCK_EVENTS = 1000 * 1000,
    MOCK_PIECES = 256,
    /* mock: how much of the prompt an answer repeats, and of a body the echo */
    MOCK_QUOTE_BYTES = 200,
    MOCK_ECHO_BYTES = 16 * KIB,
    /* mock: schemas can be made to describe endless values */
    MOCK_SCHEMA_VALUES = 1000,
    MOCK_INSTANCE_BYTES = 64 * KIB,
    /* mock: events given to the connection before it is looked whether the client keeps up */
    MOCK_BATCH_EVENTS = 64,
    MOCK_BATCH_BYTES = 16 * KIB,
    /* mock: a profile file and its rules */
    MOCK_PROFILE_BYTES = 1 * MIB,
    MOCK_RULES = 64,

    /* unified billing: tokens of a call's prompt or answer beyond which nothing more is reserved for it */
    UNIFIED_TOKENS = 1000 * 1000,
    /* unified billing: of an answer whose length the request does not limit */
    UNIFIED_ANSWER_TOKENS = 4096,
    /* unified billing: bytes of a stream for each token, where it was cut before it told; some 200 in
       practice */
    UNIFIED_STREAM_BYTES = 16,

    /* api: the largest object somebody may want to store, with all its rules and keys */
    API_BODY_BYTES = 1 * MIB,
    /* api: a full page of log rows, each with metadata and user agent as large as a head allows */
    API_ANSWER_BYTES = 16 * MIB,
    /* graphql: a query; the introspection query of common clients has 2 KB and is 13 levels deep */
    GRAPHQL_BYTES = 64 * KIB,
    GRAPHQL_DEPTH = 64,
    /* graphql: a request's tree and what follows from it: some 100 bytes for each byte at worst */
    GRAPHQL_ARENA_BYTES = 16 * MIB,
    /* graphql: fields of the answer's form once fragments stand in their places */
    GRAPHQL_FIELDS = 4000,
    /* graphql: control plane section 23: rows of a node, and its fields */
    GRAPHQL_PAGE_ROWS = 10000,
    GRAPHQL_NODE_FIELDS = 30,
    /* graphql: fields written, rows of answers counted as one: it stops what nests without end */
    GRAPHQL_WRITTEN = 1000 * 1000,
    /* graphql: questions to the store in one request */
    GRAPHQL_NODES = 32,
    /* api: stored bodies are written to the client in pieces of this size */
    API_PIECE_BYTES = 64 * KIB,
    /* api: how much of a stored body the detail of a log row shows (control plane section 5.2) */
    API_HEAD_BYTES = 4 * KIB,
    /* api: datasets of a gateway, and of an evaluation (control plane section 6) */
    DATASETS_MAX = 10,
    EVALUATION_DATASETS = 5,
    /* api: evaluations of a gateway that are kept: they live in the catalogue, in memory */
    EVALUATIONS_MAX = 100,
};
