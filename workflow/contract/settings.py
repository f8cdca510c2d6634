"""One frozen settings object, read once from environment variables (`DRUGSYNC_` + upper case)."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from string import Formatter
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workflow.contract import versions
from workflow.contract.columns import COLUMNS
from workflow.contract.errors import SettingsInvalid
from workflow.contract.models import FAMILIES, ModelFamily, family_of, is_unnamed
from workflow.contract.setting_forms import problems_of

PREFIX = "DRUGSYNC_"
DEFAULT_TEMPLATE = "{generic_name} {brand_name} {strength} {dosage_form} {route} {drug_class}"

WORD = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""A key in a bucket: no `..`, and nothing that a policy reads as more than one key."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Every setting, its unit in its name. Those in `RESULT_SETTINGS` decide what a run writes."""

    # A refused value may be a misplaced secret, and the error goes to the log.
    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    run_bucket: str = Field(min_length=3, description="S3 bucket of the runs' files")

    catalog_table: str = Field(
        pattern=r"^[A-Za-z0-9_$]+(\.[A-Za-z0-9_$]+)?$",
        description="MySQL table or view with one row per drug",
    )
    mysql_host: str = Field("", description="host name; empty with mysql_socket")
    mysql_reader_host: str = Field(
        "", description="reader endpoint for verification; empty: mysql_host"
    )
    mysql_reader_lag_s: int = Field(
        5, ge=0, le=3600, description="seconds that mysql_reader_host may be behind its writer"
    )
    mysql_port: int = Field(3306, ge=1, le=65535, description="TCP port")
    mysql_socket: str = Field("", description="unix socket, instead of host and port")
    mysql_database: str = Field(min_length=1, description="database (schema) name")
    mysql_user: str = Field("", description="user; empty if the secret has it")
    mysql_secret_arn: str = Field(
        "", description="secret with username and password; one machine: file:PATH"
    )
    mysql_iam_auth: bool = Field(False, description="authenticate with an IAM token")
    mysql_tls: bool = Field(True, description="require TLS and verify certificate and host name")
    mysql_ssl_ca: str = Field("", description="CA bundle that verifies the server's certificate")
    mysql_timeout_s: int = Field(60, ge=1, le=900, description="connect and read timeout")

    redis_url: str = Field(
        pattern=r"^(rediss?://[^@?/]+(/0?)?|unix://[^@?]+)$",
        description="rediss://host:6379 or unix:///path; a password comes by secret only, and "
        "indexes can be in database 0 only",
    )
    redis_secret_arn: str = Field(
        "", description="secret with username (optional) and password; one machine: file:PATH"
    )
    redis_ssl_ca: str = Field("", description="CA bundle, if the authority is not public")
    redis_ca_secret_arn: str = Field(
        "", description="secret with a CA certificate as PEM text in `ca`"
    )
    redis_timeout_s: int = Field(30, ge=1, le=900, description="connect and answer timeout")

    index_algorithm: Literal["FLAT", "HNSW", "SVS-VAMANA"] = Field(
        "HNSW", description="how vectors are indexed"
    )
    index_m: int | None = Field(
        16, ge=2, le=512, description="HNSW edges per node; none: the server's default"
    )
    index_ef_construction: int | None = Field(
        400, ge=1, le=4096, description="HNSW candidates while building; none: the server's default"
    )
    index_ef_runtime: int | None = Field(
        800,
        ge=1,
        le=4096,
        description="HNSW candidates while searching; none: the server's default",
    )
    index_compression: str | None = Field(None, description="SVS-VAMANA compression, e.g. LVQ8")

    embedding_model: str = Field(
        "amazon.titan-embed-text-v2:0",
        pattern=r"^[A-Za-z0-9:._/-]+$",
        description="Bedrock model or inference profile id, or an ARN of either",
    )
    embedding_base_model: str = Field(
        "",
        pattern=r"^([A-Za-z0-9:._/-]+)?$",
        description="the model's id, if `embedding_model` is the ARN of an application inference "
        "profile or of provisioned throughput, which does not name it",
    )
    embedding_dimensions: int = Field(1024, description="vector length")
    embedding_normalize: bool = Field(True, description="ask the model for vectors of unit length")
    embedding_template: str = Field(
        DEFAULT_TEMPLATE, description="template of the text made from a row"
    )
    embedding_max_chars: int | None = Field(
        None, ge=16, le=50_000, description="longest text in characters; none: the model's limit"
    )
    embedding_threads: int = Field(16, ge=1, le=128, description="calls in flight per function")
    embedding_timeout_s: int = Field(30, ge=1, le=600, description="timeout of one call")
    tokens_per_minute: Positive = Field(
        300_000, description="the model's quota, shared by all functions"
    )
    usd_per_1k_tokens: float | None = Field(
        None, ge=0, description="price of the model; none: list price"
    )

    embed_page_size: int = Field(500, ge=1, le=10_000, description="texts per EmbedPage")
    diff_concurrency: int = Field(10, ge=1, le=1000, description="DiffPage functions at once")
    embed_concurrency: int = Field(4, ge=1, le=1000, description="EmbedPage functions at once")
    load_concurrency: int = Field(4, ge=1, le=1000, description="LoadPage functions at once")
    verify_concurrency: int = Field(4, ge=1, le=1000, description="VerifyPage functions at once")

    delete_guard_share: Share = Field(0.02, description="removals above this share of the index")
    delete_guard_rows: Count = Field(20, description="... and above this number stop the run")
    shrink_guard_share: Share = Field(0.05, description="a catalog this much smaller stops the run")
    profile_guard_share: Share = Field(
        0.30, description="stop if a column's blanks or one value gain this share"
    )
    budget_usd: float = Field(5.0, ge=0, description="embedding cost that stops the run")
    reject_guard_share: Share = Field(
        0.001, description="rejected rows above this share of the catalog"
    )
    reject_guard_rows: Count = Field(20, description="... and above this number stop the run")

    drift_guard_share: Share = Field(
        0.001, description="rows that change during a run, above this share"
    )
    drift_guard_rows: Count = Field(20, description="... and above this number stop the run")
    switch_limit: int = Field(
        20_000, ge=1, le=100_000, description="most changes in one switch of a sync"
    )

    verify_texts: Count = Field(
        20, description="texts embedded again, and searched with their vector"
    )
    verify_queries: Count = Field(5, description="queries whose recall@10 is measured")
    verify_cosine: Share = Field(0.999, description="lowest cosine of a text embedded again")
    verify_model_days: Count = Field(
        7, description="days after which a run asks the model although it embeds nothing"
    )
    verify_self_recall: Share = Field(
        0.99, description="lowest share of texts that find themselves"
    )
    verify_recall: Share = Field(0.9, description="lowest recall@10, against exact search")
    synonyms_file: str = Field(
        "synonyms.json",
        pattern=r"^[A-Za-z0-9_-]+\.json$",
        description="file in `workflow/search/` with lay words and their classes",
    )
    golden_queries_key: str = Field(
        "",
        pattern=rf"^({WORD}(/{WORD})*)?$",
        description="object in the run bucket with golden queries, not under `runs/`; empty: none",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if is_unnamed(self.embedding_model) != bool(self.embedding_base_model):
            raise ValueError(
                "embedding_base_model is for the ARN of an application inference profile or of "
                "provisioned throughput: give it with one, e.g. amazon.titan-embed-text-v2:0, and "
                "leave it out with any other embedding_model"
            )
        if self.family is None:
            raise ValueError(
                f"embedding_model {self.named_model!r} is not known; "
                f"use one of {', '.join(FAMILIES)} or an inference profile of one"
            )
        if self.embedding_dimensions not in self.family.dimensions:
            allowed = ", ".join(map(str, self.family.dimensions))
            raise ValueError(
                f"embedding_dimensions {self.embedding_dimensions} is not offered by "
                f"{self.embedding_model}; use one of {allowed}"
            )
        if not (self.mysql_host or self.mysql_socket):
            raise ValueError("mysql_host is required, or DRUGSYNC_MYSQL_SOCKET in its place")
        if self.golden_queries_key.startswith("runs/"):
            raise ValueError(
                "golden_queries_key is under runs/, where the functions write that it judges; "
                "put the object elsewhere, e.g. golden/queries.json"
            )
        check_template(self.embedding_template)
        return self

    @property
    def named_model(self) -> str:
        """The id of the model that makes the vectors, however it is called."""
        return self.embedding_base_model or self.embedding_model

    @cached_property
    def family(self) -> ModelFamily:
        """What the embedding model accepts and returns."""
        return family_of(self.named_model)  # type: ignore[return-value] # _check refuses None

    @cached_property
    def max_chars(self) -> int:
        """The longest text, in characters; longer ones are cut."""
        return min(self.embedding_max_chars or self.family.max_chars, self.family.max_chars)

    @cached_property
    def price_per_1k_tokens(self) -> float:
        """US dollars per 1,000 tokens."""
        own = self.usd_per_1k_tokens
        return self.family.usd_per_1k_tokens if own is None else own

    @cached_property
    def index_options(self) -> dict[str, int | str | None]:
        """Attributes of the vector field that the algorithm takes; None: the server's own."""
        if self.index_algorithm == "HNSW":
            return {
                "M": self.index_m,
                "EF_CONSTRUCTION": self.index_ef_construction,
                "EF_RUNTIME": self.index_ef_runtime,
            }
        if self.index_algorithm == "SVS-VAMANA":
            return {"COMPRESSION": self.index_compression}
        return {}

    @cached_property
    def digest(self) -> str:
        """Hash of what must not change between the start of a run and its last step."""
        decisive = {name: getattr(self, name) for name in sorted(RESULT_SETTINGS)}
        decisive |= CODE_VERSIONS
        return hashlib.blake2b(orjson.dumps(decisive), digest_size=8).hexdigest()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read `DRUGSYNC_*`. Unknown names are refused, because a misspelled one would silently be
        the default.

        An empty value is the default; `none` unsets a setting that may be unset.
        """
        values: dict[str, Any] = {
            name.removeprefix(PREFIX).lower(): None if value == "none" else value
            for name, value in environment.items()
            if name.startswith(PREFIX) and value != ""
        }
        try:
            return cls(**values)
        except ValidationError as error:
            problems = problems_of(error, cls)
            lines = (f"{PREFIX}{name.upper()} {reason}" for name, reason in problems)
            raise SettingsInvalid("; ".join(lines), problems) from error


CODE_VERSIONS = {
    "texts": versions.TEXTS,
    "hashes": versions.HASHES,
    "keys": versions.KEYS,
    "files": versions.FILES,
}

RESULT_SETTINGS = frozenset(
    {
        "run_bucket",
        "catalog_table",
        "mysql_host",
        "mysql_port",
        "mysql_socket",
        "mysql_database",
        "redis_url",
        "index_algorithm",
        "index_m",
        "index_ef_construction",
        "index_ef_runtime",
        "index_compression",
        "embedding_model",
        "embedding_base_model",
        "embedding_dimensions",
        "embedding_normalize",
        "embedding_template",
        "embedding_max_chars",
    }
)


def check_template(template: str) -> None:
    """Refuse a template that names anything but plain columns: ValueError."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"embedding_template {template!r}: {error}") from error
    names = [name for _, name, _, _ in parts if name is not None]
    for _, name, spec, conversion in parts:
        if name is not None and (name not in COLUMNS or spec or conversion):
            raise ValueError(
                f"embedding_template: {{{name}}} is not a column; use {', '.join(COLUMNS)}"
            )
    if not names:
        raise ValueError(
            "embedding_template names no column, so every drug would have the same text"
        )
