"""docs/server-settings.md: every setting of MySQL and Redis, and whether it can change an answer.

What runs set and refuse comes from their code. The rest is named here, by families with a reason;
a test asks real servers for their whole lists and finds each name in one line.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from workflow.adapters.mysql import session
from workflow.steps.check_server import SEARCH_LIMITS

PAGE = """# Server settings

Which settings of MySQL, MariaDB and Redis can change what a run reads or a search answers, and
what is done about each. A test asks real servers for all of their settings and finds each name in
a line below. Others set every variable of a MySQL session, and every setting of the query engine,
that can be set to its ends, and compare answers.

This page is written by `python -m tools.reference`; a test compares the two.

"""
MYSQL_SET = """## MySQL: set on connecting

By each function, before it reads; read back, so that a proxy that swallows one is named
(`CatalogQueryFailed`).

| variable | set to |
|---|---|
"""
REDIS_HEAD = """
## Redis: refused by name

At planning, and by `drugsync doctor`, before anything is written.

"""
NAMED = "| setting | why |\n|---|---|\n"
SECONDS = 60
"""Stands for the timeout of the settings."""


class Line(NamedTuple):
    """Names that one reason is true of: `*` stands for any letters."""

    names: str
    why: str

    def has(self, name: str) -> bool:
        patterns = (one.replace("*", ".*") for one in self.names.split())
        return any(re.fullmatch(pattern, name) for pattern in patterns)


MYSQL_REFUSED = (Line("innodb_force_recovery", "above 0, damaged pages are passed over: refused"),)
MYSQL_KNOWN = (
    Line("init_connect", "runs before all that is set on connecting"),
    Line("timestamp", "set to the clock (`DEFAULT`) on connecting"),
    Line(
        "lower_case_table_names lower_case_file_system",
        "tables are found or `CatalogMissing`; tried",
    ),
    Line(
        "max_sort_length max_length_for_sort_data",
        "nothing is sorted: a key without an index is refused (`KeyNotIndexed`)",
    ),
    Line(
        "collation_database collation_server character_set_database character_set_server "
        "character_set_connection default_collation_for_utf8mb4 character_set_filesystem "
        "character_set_system character_sets_dir character_set_collations",
        "the session's own are set; of a table, its columns' decide",
    ),
    Line(
        "group_replication_consistency replica_* slave_* sql_slave_skip_counter sql_replica_* "
        "read_only super_read_only "
        "innodb_read_only* rpl_* relay_* replicate_* master_* source_* init_slave init_replica",
        "a server that follows another may be behind: `mysql_reader_lag_s` (a reader of which "
        "nobody says it, such as a group's secondary, is refused)",
    ),
    Line(
        "ft_* innodb_ft_* ngram_* mhnsw_*",
        "only of a view that searches full text or vectors; do not make a catalog of one",
    ),
    Line(
        "cte_max_recursion_depth regexp_* parser_max_mem_size max_error_count "
        "max_session_mem_used max_tmp_tables max_sp_recursion_depth thread_stack "
        "global_connection_memory_* connection_memory_* temptable_max_*",
        "where one is too small, the server refuses the statement",
    ),
    Line(
        "*timeout* wait_* max_allowed_packet max_connections max_user_connections "
        "max_connect_errors max_password_errors deadlock_search_* innodb_rollback_on_timeout "
        "net_* back_log require_secure_transport skip_* disconnect_on_* "
        "offline_mode maintain_user_list extra_* *_admin_* admin_* "
        "check_proxy_users mysql_native_password_proxy_users sha256_password_*",
        "the connection ends or is refused: an error that is retried, or named",
    ),
    Line(
        "optimizer_* histogram_* eq_range_* expensive_subquery_limit in_predicate_* "
        "join_* max_seeks_for_key max_rowid_filter_size mrr_* use_stat_tables rowid_* "
        "secondary_engine_* use_secondary_engine range_optimizer_max_mem_size analyze_* "
        "enable_secondary_engine_statistics external_table_* "
        "max_join_size sql_buffer_result big_tables stats_* information_schema_stats_expiry "
        "set_operations_buffer_size original_* explain_json_format_version explain_format "
        "new_mode",
        "how rows are found, not which",
    ),
    Line(
        "query_cache_* query_prealloc_size query_alloc_block_size",
        "a cached answer is dropped when its table changes",
    ),
    Line(
        "sql_safe_updates sql_log_* sql_if_exists sql_notes sql_warnings sql_require_* "
        "sql_generate_* sql_quote_show_create note_verbosity old old_alter_table old_passwords "
        "alter_algorithm auto_increment_* autocommit binlog_* check_constraint_checks "
        "column_compression_* completion_type default_*engine default_master_connection "
        "default_table_encryption default_authentication* default_password_lifetime "
        "enforce_* explicit_defaults_for_timestamp foreign_key_checks gtid_* identity insert_id "
        "last_insert_id last_gtid innodb_strict_mode innodb_snapshot_isolation innodb_table_locks "
        "innodb_parallel_* innodb_ddl_* innodb_* low_priority_updates updatable_views_with_limit "
        "unique_checks transaction_* tx_* system_versioning_alter_history "
        "system_versioning_insert_history keep_files_on_create bulk_* block_encryption_mode "
        "show_create_* show_gipk_* show_old_temporals xa_* new restrict_fk_* "
        "generated_random_password_length password_* require_row_format immediate_server_version "
        "create_admin_listener_thread mandatory_roles activate_all_roles_on_login "
        "activate_mandatory_roles check_table_functions disabled_storage_engines "
        "enable_cascade_triggers "
        "partial_revokes rand_seed* rbr_exec_mode skip_replication skip_parallel_replication "
        "select_into_* avoid_temporal_upgrade protocol_* resultset_metadata lock_wait_* "
        "end_markers_in_json print_identified_with_as_hex",
        "of statements that write or define, which no run sends; a run reads and sorts nothing",
    ),
    Line(
        "aria_* myisam_* key_* csv_* rocksdb_* ndb* wsrep_* thread_* tmp_* tmpdir max_heap_* "
        "max_*threads max_length_* delayed_* delay_key_write concurrent_insert flush* read_* "
        "sort_* preload_* "
        "table_* stored_program_* max_prepared_* max_write_* max_binlog_* max_relay_* "
        "max_digest_length metadata_* host_cache_size progress_report_time large_* locked_* "
        "range_* transaction_alloc_* transaction_prealloc_* internal_tmp_* temptable_* "
        "keyring_* core_file tcp_* schema_definition_cache tablespace_definition_cache "
        "open_files_limit max_* min_examined_row_limit container_aware",
        "room, speed and files of the server",
    ),
    Line(
        "log_* general_log* slow_* long_query_time profiling* performance_schema* userstat "
        "session_track_* debug* pseudo_* proxy_user external_user error_count warning_count "
        "in_transaction lc_messages* event_scheduler dragnet* syseventlog* audit_* report_* "
        "local_infile secure_* automatic_sp_* strict_password_validation expire_logs_days "
        "feedback* persist* mysqlx_* telemetry* component_* caching_sha2_* auto_generate_certs "
        "authentication_* validate_password* connection_control* clone_* plugin_* allow_* "
        "sync_* encrypt_* server_* version* hostname port socket pid_file basedir datadir "
        "license bind_address redirect_url have_* ssl_* tls_* ciphers* secure_auth "
        "proxy_protocol_* "
        "statement_id build_id admin_ssl_* admin_tls_* storage_engine statement_* ignore_* "
        "datetime_format date_format time_format system_time_zone mysql56_temporal_format "
        "named_pipe* shared_memory* lower_case_* tls_* table_encryption_* super_* "
        "windowing_* row_format* automatic_* connect_* init_file large_files_support "
        "previous_gtids* gtid_* orders_* pid_* replication_* rewriter_* sha256_* sporadic* "
        "sys* terminology_use_previous thread_* use_* tmp* unix* wait_*",
        "logs, names, addresses and passwords: no answer depends on one",
    ),
)
REDIS_REFUSED = (
    Line("maxmemory-policy", "`allkeys-*` removes documents when memory is full: refused"),
    Line("cluster-enabled", "one transaction cannot hold a generation: refused"),
)
REDIS_KNOWN = (
    Line("maxmemory", "room for a run is asked at planning (`MemoryShort`)"),
    Line(
        "TIMEOUT ON_TIMEOUT DEFAULT_DIALECT search-timeout search-on-timeout "
        "search-default-dialect",
        "each query says its own; an answer that was cut is an error (`IndexQueryCut`)",
    ),
    Line("search-on-oom ON_OOM", "an answer with a warning is an error (`IndexQueryCut`)"),
    Line(
        "MINSTEMLEN MIN_PHONETIC_TERM_LEN MULTI_TEXT_SLOP FRISOINI EXTLOAD search-min-stem-len "
        "search-min-phonetic-term-len search-multi-text-slop search-friso-ini search-ext-load",
        "nothing is stemmed, phonetic, an array or Chinese in our indexes",
    ),
    Line(
        "search-default-scorer BM25STD_TANH_FACTOR search-bm25std-tanh-factor",
        "products are ranked by rules of ours; the scorer only decides which texts are looked at "
        "where hundreds have all words of a query",
    ),
    Line(
        "MAXEXPANSIONS search-max-prefix-expansions search-min-prefix search-max-search-results "
        "search-max-aggregate-results",
        "other names of figures that are refused below a limit",
    ),
    Line(
        "PARTIAL_INDEXED_DOCS UPGRADE_INDEX BG_INDEX_SLEEP_GAP VSS_MAX_RESIZE WORKERS "
        "MIN_OPERATION_WORKERS TIERED_HNSW_BUFFER_LIMIT MAXDOCTABLESIZE RAW_DOCID_ENCODING "
        "NOGC GC* FORK* _FORK* UNION_ITERATOR_HEAP CURSOR_* NO_MEM_POOLS _* INDEX_CURSOR_LIMIT "
        "CONN_PER_SHARD *THREADS* search-*",
        "how an index is kept: verification counts and compares what it has",
    ),
    Line(
        "replicaof slaveof replica-* slave-* min-replicas-* min-slaves-* masteruser masterauth "
        "repl-* propagation-error-behavior",
        "of a replica: it refuses writes, and a run names it (`IndexUnavailable`)",
    ),
    Line(
        "proto-max-bulk-len client-* maxclients maxmemory-clients timeout tcp-* "
        "busy-reply-threshold lua-time-limit stop-writes-on-bgsave-error requirepass aclfile "
        "acl* protected-mode bind* port unixsocket* tls-* databases max-new-*",
        "the server refuses or is busy: an error that is retried, or named",
    ),
    Line(
        "save appendonly append* aof* auto-aof-* rdb* dbfilename dir no-appendfsync-* "
        "sanitize-dump-payload shutdown-* stop-*",
        "what is left after a restart: [Redis lost](redis-server.md); a run finds what is missing",
    ),
    Line(
        "hash-* zset-* set-* list-* stream-* hll-* lazyfree-* lfu-* maxmemory-* active* "
        "hz dynamic-hz io-threads* jemalloc-* locale-collate notify-keyspace-events "
        "tracking-* vset-* disable-thp oom-score-* *cpulist enable-* cluster-* latency-* "
        "slowlog-* log* crash-* syslog-* supervised daemonize pidfile proc-title-* "
        "always-show-logo hide-* ignore-warnings socket-mark-id io-threads* lua-enable-* "
        "array-* tls-* unstable* keymem* bf-* cf-* cms-* topk-* tdigest-* ts-* json-*",
        "how values are kept, and what is written down about it",
    ),
)


def server_settings() -> str:
    """The page."""
    return (
        PAGE
        + MYSQL_SET
        + "".join(f"| `{name}` | {shown} |\n" for name, shown in set_on_connecting().items())
        + "\n## MySQL: refused by name\n\n"
        + _table(MYSQL_REFUSED)
        + "\n## MySQL: changes no answer\n\n"
        + _table(MYSQL_KNOWN)
        + REDIS_HEAD
        + NAMED
        + "".join(f"| {names} | {why} |\n" for names, why in _limits())
        + "".join(f"| {_names(one)} | {one.why} |\n" for one in REDIS_REFUSED)
        + "\n## Redis: changes no answer\n\n"
        + _table(REDIS_KNOWN)
    )


def set_on_connecting() -> dict[str, str]:
    """Variable -> what a session has, and where only some servers have it."""
    shown = {"sql_mode": "`''`, or `'ONLY_FULL_GROUP_BY'` where it was on"}
    shown |= _shown(session.COMMON, "")
    shown |= _shown(session.of_mysql(SECONDS), "MySQL")
    shown |= _shown(session.of_mariadb(SECONDS), "MariaDB")
    shown["lock_wait_timeout"] = "the setting `mysql_timeout_s`"
    shown["max_execution_time"] = "the setting `mysql_timeout_s`, in ms (MySQL)"
    shown["max_statement_time"] = "the setting `mysql_timeout_s` (MariaDB)"
    return shown | _shown(session.WHERE_THERE_IS, "where the server has it")


def every_mysql() -> Iterator[Line]:
    yield from (Line(name, shown) for name, shown in set_on_connecting().items())
    yield from (*MYSQL_REFUSED, *MYSQL_KNOWN)


def every_redis() -> Iterator[Line]:
    yield from (Line(name, limit.otherwise) for name, limit in SEARCH_LIMITS.items())
    yield from (*REDIS_REFUSED, *REDIS_KNOWN)


def _shown(values: Mapping[str, int | str], where: str) -> dict[str, str]:
    there = f" ({where})" if where else ""
    return {name: f"`{value!r}`{there}" for name, value in values.items()}


def _limits() -> Iterator[tuple[str, str]]:
    for name, limit in SEARCH_LIMITS.items():
        figure = f"below {limit.least:,}" if limit.least else f"above {limit.most:,}"
        yield f"`{name}`", f"{figure}, {limit.otherwise}: refused"


def _table(lines: tuple[Line, ...]) -> str:
    return NAMED + "".join(f"| {_names(one)} | {one.why} |\n" for one in lines)


def _names(one: Line) -> str:
    return " ".join(f"`{name}`" for name in one.names.split())
