"""A stage file is checked whole, and says which field is wrong and why."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from infra.stage.models import invoke_grants
from infra.stage.stage import ROOT, StageInvalid, load_stage

STAGES = Path(__file__).parent / "stages"


@pytest.mark.parametrize("path", sorted((ROOT / "stages").glob("*.toml")), ids=lambda p: p.stem)
def test_the_stages_that_come_with_the_project_are_right(path: Path) -> None:
    assert load_stage(path).name == path.stem


@pytest.mark.parametrize(
    ("stage", "old", "new", "expected"),
    [
        (
            "existing",
            "tls = true",
            "tls = 3",
            "redis.existing.tls: must be true or false",
        ),
        ("existing", 'region = "eu-west-1"', "", "region: is required"),
        ("existing", "[alarms]", "[alarms]\nhours = 3", "alarms.hours: is not a field"),
        ("existing", "embedding_dimensions = 1536", "embedding_dimensions = 99", "256, 512, 1024"),
        ("existing", "eu.cohere.embed-v4:0", "gpt-9", "embedding_model: 'gpt-9' is not known"),
        ("existing", 'present_endpoints = ["secretsmanager"]', "", "must reach secretsmanager"),
        ("existing", 'user = "drugsync_reader"', "", "user is required with iam_auth"),
        ("existing", "cluster_resource_id", "# ", "cluster_resource_id is required with iam_auth"),
        ("existing", "infra/certificates/rds-roots.pem", "no.pem", "ca_file: no.pem is not there"),
        ("existing", "eu-west-1b", "eu-west-2b", "zone eu-west-2b is not in eu-west-1"),
        ("existing", "oncall@example.com", "oncall", "'oncall' is not an e-mail address"),
        ("existing", "secret:pharmacy/redis-AbCdEf", "secret:x", "redis.existing.secret_arn"),
        (
            "created",
            "[mysql.create]\nrotation_days = 30\n",
            "",
            "one of the tables `existing` and `create` is required",
        ),
        (
            "created",
            "s3://packages-of-the-team",
            "https://x",
            "redis.create.package: https needs nat",
        ),
        (
            "created",
            "delete_guard_share = 0.05",
            "delete_guard_share = 5",
            "settings.delete_guard_share: must be a number from 0 to 1",
        ),
        ("mixed", "nat = true", "nat = false", "must reach ec2"),
        (
            "mixed",
            "[redis.create]",
            "[redis.create]\nvolume_gb = 20",
            "volume_gb 20 is below three",
        ),
        (
            "created",
            "[redis.create]",
            '[redis.create]\ninstance_type = "t4g.nano"',
            "instance_type t4g.nano is not supported; use one of m6g",
        ),
        (
            "created",
            "[redis.create]",
            '[redis.create]\ninstance_type = "t4g.medium"\nmax_memory_gb = 100',
            "max_memory_gb 100 is above 3, three quarters of the memory of t4g.medium",
        ),
        (
            "created",
            "redis-8.2.9",
            "redis-8.2.3",
            "redis.create.package: Redis 8.2.3 lets an attacker run code (CVE-2026-81934",
        ),
        ("created", "redis-8.2.9", "redis", "contains no version; name it like redis-8.2.9"),
        (
            "created",
            "lambda_concurrency = 1000",
            "",
            "lambda_concurrency: 10 is Lambda's quota of concurrent executions (Service Quotas: "
            "L-B99A9384); settings.diff_concurrency 10, 3 other functions and 1 for searches do",
        ),
        (
            "existing",
            "lambda_concurrency = 1000",
            "lambda_concurrency = 110",
            "search.reserved_concurrency: 20 of 110 leaves fewer than the 100",
        ),
        ("created", "us-east-1", "us-gov-west-1", "has no root of RDS in us-gov-west-1; take"),
        ("created", "us-east-1", "il-central-1", "has no root of RDS in il-central-1; take"),
        (
            "existing",
            "search.pharmacy.example.com",
            "search.abc123.ng.0001.euw1.cache.amazonaws.com",
            "is ElastiCache: it has neither FT.SPELLCHECK nor aliases",
        ),
        (
            "existing",
            "search.pharmacy.example.com",
            "clustercfg.search.abc123.memorydb.eu-west-1.amazonaws.com",
            "is MemoryDB: it has ten indexes at most",
        ),
        ("created", '"iam"', '"none"', "search.authorization: 'none' is not supported; use 'iam'"),
        ("created", '"iam"', '"jwt"', "search: issuer and audience are required with"),
        ("existing", 'audience = ["drug-search"]', "", "search: issuer and audience are required"),
        ("existing", '"jwt"', '"iam"', "search: issuer, audience and scopes belong to"),
        ("existing", "https://login", "http://login", "search.issuer: must have the form"),
        ("existing", "https://prescribe.example.com", "*", "'*' is not an origin; use the form"),
        ("existing", "second = 50", "second = 0", "search.requests_per_second: must be"),
        ("existing", "burst = 100", "burst = 9000", "search.burst: must be 5000 or less"),
        ("existing", "latency_ms = 1500", "latency_ms = 1", "search.latency_ms: must be"),
        *(
            ("created", "[vpc.create]", f'[vpc.create]\ncidr = "{cidr}"', f"{said}; use the form")
            for cidr, said in {
                "300.0.0.0/16": "Octet 300 (> 255) not permitted in '300.0.0.0'",
                "10.60.1.7/16": "10.60.1.7/16 has host bits set",
            }.items()
        ),
        ("created", '"us-east-1b"', '"us-east-1a"', "us-east-1a is listed twice"),
        ("existing", '"eu-west-1b"', '"eu-west-1a"', "eu-west-1a is listed twice"),
        (
            "existing",
            'present_endpoints = ["',
            'present_endpoints = ["bedrock-runtime", "',
            "create_endpoints, present_endpoints: bedrock-runtime is listed twice",
        ),
        ("existing", '"subnet-0a1b2c3d4e5f60002"', '"subnet-0a1b2c3d4e5f60001"', "listed twice"),
        (
            "existing",
            "platform@example.com",
            "oncall@example.com",
            "emails: oncall@example.com is listed twice; list each once",
        ),
        (
            "created",
            '"catalog@example.com"]',
            f"{', '.join(repr(f'a{n}@example.com') for n in range(11))}]\nbudget_usd_per_month = 9",
            "emails: 11 addresses; a budget notifies 10",
        ),
        ("created", "rotation_days = 30", "min_capacity = 0.3", "0.3 is not a multiple of 0.5"),
        ("created", "rotation_days = 30", "max_capacity = 4.2", "4.2 is not a multiple of 0.5"),
        (
            "created",
            "rotation_days = 30",
            'min_capacity = 0\nengine_version = "8.0.mysql_aurora.3.04.3"',
            "supports neither a pause (min_capacity 0) nor the Data API",
        ),
        ("created", '"catalog"', '"1st$"', "database: RDS refuses the name '1st$'"),
        ("created", '"catalog"', '"mysql"', "database: mysql is the server's own"),
        (
            "created",
            "[search]",
            "[search]\nwarm = 950",
            "search.warm: 950 of 1000 leaves fewer than the 100 that Lambda keeps",
        ),
        (
            "created",
            "[settings]",
            "[settings]\nembedding_base_model = 'amazon.titan-embed-text-v2:0'\nembedding_model = "
            "'arn:aws:bedrock:us-west-2:111122223333:provisioned-model/a1b2c3d4e5f6'",
            "is in us-west-2; name one in us-east-1, where the stage is",
        ),
        *(
            ("existing", arn, arn.replace("eu-west-1", "us-east-1"), "name one in eu-west-1")
            for arn in (
                "arn:aws:secretsmanager:eu-west-1:444455556666:secret:pharmacy/redis-AbCdEf",
                "arn:aws:kms:eu-west-1:444455556666:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
                "arn:aws:secretsmanager:eu-west-1:444455556666:secret:pharmacy/redis-search-GhIjKl",
            )
        ),
        (
            "existing",
            "secret:pharmacy/redis-search-GhIjKl",
            "secret:pharmacy/redis-AbCdEf",
            "search.redis_secret_arn: is the secret of the workflow's user, who may write",
        ),
        (
            "existing",
            'redis_secret_arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:'
            'pharmacy/redis-search-GhIjKl"',
            "",
            "search.redis_secret_arn: is required with redis.existing",
        ),
        (
            "created",
            "[search]",
            '[search]\nredis_secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:'
            'mine-AbCdEf"',
            "search.redis_secret_arn: the created server has its own user for searches",
        ),
    ],
)
def test_a_wrong_field_is_named_with_the_reason(
    tmp_path: Path, stage: str, old: str, new: str, expected: str
) -> None:
    text = (STAGES / f"{stage}.toml").read_text()
    assert old in text
    (tmp_path / "wrong.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(StageInvalid) as caught:
        load_stage(tmp_path / "wrong.toml")
    assert expected in str(caught.value)


def test_searches_are_off_unless_the_stage_asks_for_them_and_then_closed(tmp_path: Path) -> None:
    assert load_stage(STAGES / "mixed.toml").search is None
    text = (STAGES / "created.toml").read_text()
    (tmp_path / "short.toml").write_text(text.replace('authorization = "iam"', ""))
    search = load_stage(tmp_path / "short.toml").search
    assert search is not None
    assert search.authorization == "iam"


def test_every_wrong_field_is_named_at_once(tmp_path: Path) -> None:
    text = (STAGES / "created.toml").read_text()
    (tmp_path / "wrong.toml").write_text(text.replace("111122223333", "1").replace("ami-", "x"))
    with pytest.raises(StageInvalid) as caught:
        load_stage(tmp_path / "wrong.toml")
    assert "account:" in str(caught.value)
    assert "redis.create.image_id:" in str(caught.value)


def test_a_stage_without_a_file_names_those_that_have_one() -> None:
    with pytest.raises(StageInvalid, match="dev, prod"):
        load_stage(ROOT / "stages" / "nowhere.toml")


def test_no_stage_file_has_a_place_for_a_secret() -> None:
    for path in [*(ROOT / "stages").glob("*.toml"), *STAGES.glob("*.toml")]:
        assert "password" not in str(tomllib.loads(path.read_text())).lower()


def test_an_inference_profile_is_granted_with_its_model_through_it_only() -> None:
    grants = invoke_grants(
        *("us.cohere.embed-v4:0", ""), partition="aws", region="us-east-1", account="111122223333"
    )
    profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.cohere.embed-v4:0"
    assert grants[0] == (profile, None)
    assert grants[1] == ("arn:aws:bedrock:*::foundation-model/cohere.embed-v4:0", profile)


BASE = "amazon.titan-embed-text-v2:0"
OWN = "arn:aws:bedrock:us-east-1:111122223333"


@pytest.mark.parametrize(
    ("model_id", "base", "expected"),
    [
        (
            f"{OWN}:application-inference-profile/a1b2c3d4e5f6",
            BASE,
            [
                (f"{OWN}:application-inference-profile/a1b2c3d4e5f6", None),
                (
                    f"arn:aws:bedrock:*::foundation-model/{BASE}",
                    f"{OWN}:application-inference-profile/a1b2c3d4e5f6",
                ),
            ],
        ),
        (
            f"{OWN}:provisioned-model/a1b2c3d4e5f6",
            BASE,
            [(f"{OWN}:provisioned-model/a1b2c3d4e5f6", None)],
        ),
        (
            f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}",
            "",
            [(f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}", None)],
        ),
    ],
)
def test_a_model_of_the_accounts_own_is_granted_by_its_arn(
    model_id: str, base: str, expected: list[tuple[str, str | None]]
) -> None:
    about = {"partition": "aws", "region": "us-east-1", "account": "111122223333"}
    assert invoke_grants(model_id, base, **about) == expected


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        (f'embedding_model = "{OWN}:provisioned-model/a1b2c3d4e5f6"', "give it with one"),
        (f'embedding_base_model = "{BASE}"', "leave it out with any other"),
    ],
)
def test_a_model_that_its_arn_does_not_name_is_asked_for(
    tmp_path: Path, settings: str, wrong: str
) -> None:
    path = tmp_path / "stage.toml"
    text = (STAGES / "created.toml").read_text()
    path.write_text(text.replace("[settings]\n", f"[settings]\n{settings}\n"))
    with pytest.raises(StageInvalid, match=f"settings.embedding_base_model.*{wrong}"):
        load_stage(path)
