"""The workflow's settings in a stage file, and the environment variables they become.

Every function gets every variable: the settings' digest must agree across functions. A setting
that the stage file leaves out is an empty variable, which means the workflow's own default.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from infra.stage.models import MODELS, Model, model_of
from infra.stage.sections import Section, Share

PREFIX = "DRUGSYNC_"
Unset = Literal["none"]


class WorkflowSettings(Section):
    """The `[settings]` table: the workflow's names, its bounds, and no default but the model's."""

    embedding_model: str = Field("amazon.titan-embed-text-v2:0", min_length=1)
    embedding_dimensions: int = 1024
    embedding_normalize: bool | None = None
    embedding_template: str | None = Field(None, min_length=1)
    embedding_max_chars: int | Unset | None = None
    embedding_threads: int | None = Field(None, ge=1, le=128)
    embedding_timeout_s: int | None = Field(None, ge=1, le=600)
    tokens_per_minute: int | None = Field(None, ge=1)
    usd_per_1k_tokens: float | Unset | None = None

    index_algorithm: Literal["FLAT", "HNSW", "SVS-VAMANA"] | None = None
    index_m: int | Unset | None = None
    index_ef_construction: int | Unset | None = None
    index_ef_runtime: int | Unset | None = None
    index_compression: str | None = None

    embed_page_size: int | None = Field(None, ge=1, le=10_000)
    diff_concurrency: int | None = Field(None, ge=1, le=1000)
    embed_concurrency: int | None = Field(None, ge=1, le=1000)
    load_concurrency: int | None = Field(None, ge=1, le=1000)
    mysql_timeout_s: int | None = Field(None, ge=1, le=900)
    redis_timeout_s: int | None = Field(None, ge=1, le=900)

    delete_guard_share: Share | None = None
    delete_guard_rows: int | None = Field(None, ge=0)
    shrink_guard_share: Share | None = None
    profile_guard_share: Share | None = None
    budget_usd: float | None = Field(None, ge=0)
    reject_guard_share: Share | None = None
    reject_guard_rows: int | None = Field(None, ge=0)

    verify_documents: int | None = Field(None, ge=0)
    verify_texts: int | None = Field(None, ge=0)
    verify_queries: int | None = Field(None, ge=0)
    verify_cosine: Share | None = None
    verify_self_recall: Share | None = None
    verify_recall: Share | None = None
    synonyms_file: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+\.json$")
    golden_queries_key: str | None = Field(None, pattern=r"^[A-Za-z0-9!_.*'()/-]+$")

    @model_validator(mode="after")
    def _model(self) -> Self:
        if self.embedding_dimensions not in self.model.dimensions:
            allowed = ", ".join(map(str, self.model.dimensions))
            raise ValueError(
                f"embedding_dimensions {self.embedding_dimensions} is not offered by "
                f"{self.embedding_model}; use one of {allowed}"
            )
        return self

    @property
    def model(self) -> Model:
        """What the embedding model offers. ValueError where it is not known."""
        found = model_of(self.embedding_model)
        if found is None:
            raise ValueError(
                f"embedding_model {self.embedding_model!r} is not known; use one of "
                f"{', '.join(MODELS)} or an inference profile of one"
            )
        return found

    @property
    def price_per_1k_tokens(self) -> float:
        """US dollars, for the dashboard."""
        own = self.usd_per_1k_tokens
        return own if isinstance(own, float) else self.model.usd_per_1k_tokens


def variables(values: dict[str, object]) -> dict[str, str]:
    """Settings by name as environment variables, in order."""
    return {PREFIX + name.upper(): _text(values[name]) for name in sorted(values)}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
