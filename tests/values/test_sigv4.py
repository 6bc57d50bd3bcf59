from datetime import UTC, datetime

import pytest

from rowen.values.sigv4 import Credentials, signed

ME = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
MODEL = "https://bedrock-runtime.eu-central-1.amazonaws.com/model"


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "signature"),
    [
        # get-vanilla, get-vanilla-query-order-key-case, post-vanilla and post-x-www-form-urlencoded of AWS's own suite
        (
            "GET",
            "https://example.amazonaws.com/",
            {},
            b"",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            {},
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "https://example.amazonaws.com/",
            {},
            b"",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "POST",
            "https://example.amazonaws.com/",
            {"content-type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
def test_signs_as_the_published_vectors_do(method, url, headers, body, signature):
    found = signed(method, url, headers, body, credentials=ME, region="us-east-1", service="service", at=AT)

    assert found["authorization"].endswith(f"Signature={signature}")
    assert found["x-amz-date"] == "20150830T123600Z"


@pytest.mark.parametrize(
    ("path", "body", "token", "signature"),
    [
        # computed with botocore 1.44.5
        (
            "anthropic.claude-sonnet-5-v1%3A0",
            b'{"messages":[]}',
            "",
            "0deafbb3027500d57019f2f0bcce401cefc8bbb8141a1816ada096e9daeffbe0",
        ),
        (
            "arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.small",
            '{"a":"ü"}'.encode(),
            "SESSION+TOKEN/=",
            "b62e002bc8c150b937e46d64ddb0b4484a4e3ddc867692bc9c692ac28536e44b",
        ),
    ],
)
def test_signs_as_botocore_does(path, body, token, signature):
    found = signed(
        "POST",
        f"{MODEL}/{path}/converse-stream",
        {"content-type": "application/json", "accept": "application/vnd.amazon.eventstream"},
        body,
        credentials=ME._replace(token=token),
        region="eu-central-1",
        service="bedrock",
        at=AT,
    )

    assert found["authorization"].endswith(f"Signature={signature}")
    assert found.get("x-amz-security-token", "") == token


@pytest.mark.parametrize(
    ("url", "headers", "signature"),
    [
        # of AWS's guide to S3, "Examples: Signature Calculations"
        ("test.txt", {"range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_signs_for_s3_as_its_guide_does(url, headers, signature):
    them = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    at = datetime(2013, 5, 24, tzinfo=UTC)

    found = signed(
        "GET",
        f"https://examplebucket.s3.amazonaws.com/{url}",
        headers,
        b"",
        credentials=them,
        region="us-east-1",
        service="s3",
        at=at,
    )

    assert found["authorization"].endswith(f"Signature={signature}")


def test_does_not_show_the_secret():
    assert "wJalr" not in repr(ME)
    assert "wJalr" not in str(ME)
