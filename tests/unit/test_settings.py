"""Settings: where they come from, what is refused, what must not change during a run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payloads import settings
from workflow.contract.errors import SettingsInvalid
from workflow.contract.settings import CODE_VERSIONS, RESULT_SETTINGS, Settings, check_template

LEAST = {
    "DRUGSYNC_RUN_BUCKET": "runs-of-tests",
    "DRUGSYNC_CATALOG_TABLE": "drugs",
    "DRUGSYNC_MYSQL_HOST": "mysql",
    "DRUGSYNC_MYSQL_DATABASE": "drugs",
    "DRUGSYNC_REDIS_URL": "rediss://redis:6379",
}


def read(**changed: str) -> Settings:
    return Settings.from_environment(LEAST | changed)


def test_five_variables_are_enough() -> None:
    found = read()
    assert (found.embedding_dimensions, found.index_algorithm) == (1024, "HNSW")
    assert (found.max_chars, found.price_per_1k_tokens) == (8000, 0.00002)
    assert found.mysql_tls


def test_variables_of_others_are_left_alone() -> None:
    assert read(PATH="/bin", AWS_REGION="x") == read()


@pytest.mark.parametrize("name", [name for name in LEAST if name != "DRUGSYNC_MYSQL_HOST"])
def test_a_missing_setting_is_named_by_its_variable(name: str) -> None:
    values = {key: value for key, value in LEAST.items() if key != name}
    with pytest.raises(SettingsInvalid, match=f"{name} is required"):
        Settings.from_environment(values)


def test_without_host_and_socket_both_are_named() -> None:
    values = {key: value for key, value in LEAST.items() if key != "DRUGSYNC_MYSQL_HOST"}
    with pytest.raises(
        SettingsInvalid, match="DRUGSYNC_MYSQL_HOST is required, or DRUGSYNC_MYSQL_SOCKET"
    ):
        Settings.from_environment(values)
    assert Settings.from_environment(values | {"DRUGSYNC_MYSQL_SOCKET": "/run/mysql"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUN_BUCKET", "x"),
        ("CATALOG_TABLE", "drugs; DROP TABLE drugs"),
        ("CATALOG_TABLE", "`drugs`"),
        ("CATALOG_TABLE", "a.b.c"),
        ("MYSQL_PORT", "0"),
        ("MYSQL_PORT", "mysql"),
        ("MYSQL_TLS", "perhaps"),
        ("MYSQL_TIMEOUT_S", "0"),
        ("REDIS_URL", "redis:6379"),
        ("REDIS_URL", "redis://user:secret@redis:6379"),
        ("REDIS_TIMEOUT_S", "1000"),
        ("INDEX_ALGORITHM", "hnsw"),
        ("INDEX_M", "1"),
        ("EMBEDDING_DIMENSIONS", "many"),
        ("EMBEDDING_MAX_CHARS", "15"),
        ("EMBEDDING_THREADS", "0"),
        ("TOKENS_PER_MINUTE", "0"),
        ("EMBED_PAGE_SIZE", "0"),
        ("DIFF_CONCURRENCY", "0"),
        ("DELETE_GUARD_SHARE", "2"),
        ("PROFILE_GUARD_SHARE", "nan"),
        ("DELETE_GUARD_ROWS", "-1"),
        ("BUDGET_USD", "-1"),
        ("VERIFY_COSINE", "1.1"),
        ("NO_SUCH_SETTING", "1"),
    ],
)
def test_a_wrong_setting_is_named_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"^DRUGSYNC_{name} "):
        read(**{f"DRUGSYNC_{name}": value})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"EMBEDDING_MODEL": "gpt"},
            ["DRUGSYNC_EMBEDDING_MODEL 'gpt'", "amazon.titan-embed-text-v2"],
        ),
        ({"EMBEDDING_DIMENSIONS": "384"}, ["DRUGSYNC_EMBEDDING_DIMENSIONS 384", "256, 512, 1024"]),
        (
            {"EMBEDDING_TEMPLATE": "{colour}"},
            ["DRUGSYNC_EMBEDDING_TEMPLATE", "colour", "drug_name"],
        ),
        ({"EMBEDDING_TEMPLATE": "no column"}, ["DRUGSYNC_EMBEDDING_TEMPLATE", "the same text"]),
    ],
)
def test_settings_that_do_not_go_together_are_explained(
    changed: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read(**{f"DRUGSYNC_{name}": value for name, value in changed.items()})
    for word in words:
        assert word in str(caught.value)


def test_a_message_never_holds_the_wrong_value_of_an_address() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read(DRUGSYNC_REDIS_URL="redis://user:hunter2@redis")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "template",
    ["{}", "{0}", "{drug_name!r}", "{drug_name:>99}", "{drug_name.x}", "{drug_name", "}", ""],
)
def test_a_template_of_anything_but_plain_columns_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="embedding_template"):
        check_template(template)


def test_an_empty_variable_is_the_default_and_none_unsets() -> None:
    assert read(DRUGSYNC_INDEX_M="").index_m == 16
    assert read(DRUGSYNC_INDEX_M="none").index_m is None
    assert read(DRUGSYNC_INDEX_M="none").index_options["M"] is None


@pytest.mark.parametrize(
    ("model", "dimensions", "max_chars", "family"),
    [
        ("amazon.titan-embed-text-v1", 1536, 8000, "titan-v1"),
        ("cohere.embed-multilingual-v3", 1024, 2048, "cohere-v3"),
        ("us.cohere.embed-v4:0", 1536, 8000, "cohere-v4"),
        ("arn:aws:bedrock:us-east-1::foundation-model/cohere.embed-v4:0", 256, 8000, "cohere-v4"),
    ],
)
def test_a_model_is_known_by_id_profile_or_arn(
    model: str, dimensions: int, max_chars: int, family: str
) -> None:
    found = settings(embedding_model=model, embedding_dimensions=dimensions)
    assert (found.max_chars, found.family.name) == (max_chars, family)


def test_a_cut_beyond_the_models_limit_is_the_models() -> None:
    assert settings(embedding_max_chars=50_000).max_chars == 8000
    assert settings(embedding_max_chars=100).max_chars == 100


def test_a_price_of_nothing_is_a_price() -> None:
    assert settings(usd_per_1k_tokens=0).price_per_1k_tokens == 0


def test_each_algorithm_takes_its_own_options() -> None:
    assert settings(index_algorithm="FLAT").index_options == {}
    assert set(settings(index_algorithm="HNSW").index_options) == {
        *("M", "EF_CONSTRUCTION", "EF_RUNTIME")
    }
    compressed = settings(index_algorithm="SVS-VAMANA", index_compression="LVQ8")
    assert compressed.index_options == {"COMPRESSION": "LVQ8"}


OTHER: dict[str, Any] = {
    "run_bucket": "other-runs",
    "catalog_table": "other",
    "mysql_host": "other",
    "mysql_port": 1,
    "mysql_socket": "/other",
    "mysql_database": "other",
    "redis_url": "rediss://other",
    "index_algorithm": "FLAT",
    "index_m": 8,
    "index_ef_construction": 8,
    "index_ef_runtime": 8,
    "index_compression": "LVQ4",
    "embedding_model": "cohere.embed-v4:0",
    "embedding_base_model": "amazon.titan-embed-text-v2:0",
    "embedding_dimensions": 512,
    "embedding_normalize": False,
    "embedding_template": "{drug_name}",
    "embedding_max_chars": 100,
}


@pytest.mark.parametrize("name", sorted(RESULT_SETTINGS))
def test_each_setting_that_decides_the_result_is_in_the_digest(name: str) -> None:
    """Whether or not it may stand alone."""
    other = settings().model_copy(update={name: OTHER[name]})
    assert other.digest != settings().digest


@pytest.mark.parametrize(
    "changed", [{"budget_usd": 1.0}, {"mysql_user": "x"}, {"load_concurrency": 9}]
)
def test_other_settings_may_change_during_a_run(changed: dict[str, Any]) -> None:
    assert settings(**changed).digest == settings().digest


@pytest.mark.parametrize("name", ["texts", "hashes", "keys", "files"])
def test_code_that_reads_what_a_run_left_otherwise_has_another_digest(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings().digest
    monkeypatch.setitem(CODE_VERSIONS, name, 99)
    assert settings().digest != before
