import assert from "node:assert/strict";
import { test } from "node:test";
import { loadCloud } from "../../src/classifiers/cloud/index.ts";
import { millisecondsOf, passes, words } from "../classifiers/passing.ts";

const { classifyAws, classifyAz, classifyGcloud } = loadCloud();

test("classify.wrapper: options before, after and around a command do not hide it", () => {
  const lines = [
    "--region us-east-1 --output json iam create-access-key",
    "--no-paginate iam --profile x create-access-key",
    "iam --output=text create-access-key --query x",
    "--profile ec2 iam create-access-key",
    "--profile=describe-instances iam create-access-key",
    "iam create-access-key --generate-cli-skeleton",
  ];
  for (const line of lines) {
    assert.ok(
      classifyAws(words(line)).effects.some(({ effect }) => effect === "escalate"),
      line,
    );
  }
  for (const line of ["alpha compute instances delete x", "--quiet --project p compute instances delete x"]) {
    assert.ok(
      classifyGcloud(words(line)).effects.some(({ effect }) => effect === "delete"),
      line,
    );
  }
  for (const line of ["--only-show-errors vm delete -n x", "vm --subscription s delete -n x"]) {
    assert.ok(
      classifyAz(words(line)).effects.some(({ effect }) => effect === "delete"),
      line,
    );
  }
});

test("classify.function: a verb that sounds harmless is not enough, level and verb must both read", () => {
  // Each is published as Write, or as Read although it acts.
  const lines = [
    "bedrock-agentcore get-workload-access-token",
    "sts get-federation-token",
    "iam generate-credential-report",
    "bedrock invoke-model",
    "redshift get-cluster-credentials",
    "sqs receive-message",
    "ssm execute-api",
    "lambda list-functions-and-more",
    "s3 list-everything",
    "ec2 describe",
  ];
  for (const line of lines) assert.ok(!passes(classifyAws(words(line))), line);
});

test("classify.encoding: look-alike letters, capitals and blanks make an unknown word, not a known one", () => {
  for (const line of [
    "еc2 describe-instances",
    "ec2 describe‐instances",
    "ec2\u00a0describe-instances",
    "EC2 describe-instances",
  ]) {
    assert.ok(!passes(classifyAws(line.split(" "))), line);
  }
});

test("input.regex-dos: ten million characters of hostile words end quickly", () => {
  const hostile = [
    ["ec2", "describe-instances", "a".repeat(10_000_000)],
    ["ec2", "a-".repeat(5_000_000)],
    ["x".repeat(10_000_000)],
    Array.from({ length: 1_000_000 }, () => "--endpoint-url"),
    ["ec2", ...Array.from({ length: 1_000 }, () => "/".repeat(1_000))],
    ["s3", "cp", ".aws/".repeat(200_000), "s3://b"],
    ["ec2", "Describe".repeat(100_000)],
  ];
  for (const line of hostile) {
    for (const classify of [classifyAws, classifyGcloud, classifyAz]) {
      const took = millisecondsOf(() => assert.ok(!passes(classify(line))));
      assert.ok(took < 5_000, `${took} ms`);
    }
  }
});
