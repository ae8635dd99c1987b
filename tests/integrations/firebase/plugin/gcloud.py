"""A stand-in for gcloud: it keeps what was made in a file, writes down every call, and says what the real one says.

Run as a program named gcloud. GCLOUD_STATE is its file; GCLOUD_FAIL_AT=N makes the N-th change fail, GCLOUD_FRESH=N lets a new
account be unknown to the first N bindings, GCLOUD_DENIED makes every describe of a topic fail for want of a permission. The
words of the errors and the shapes of the answers are those of Google Cloud SDK 528.
"""

from __future__ import annotations

import json
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # it is started some hundred times, and these modules take as long to load as all the others
    from collections.abc import Mapping
    from typing import Any

STATE = os.environ.get("GCLOUD_STATE", "gcloud.json")
READS = {"describe", "list", "get-iam-policy", "service-agent"}
EMPTY: dict[str, Any] = {
    "calls": [], "changes": 0, "services": [], "things": {}, "policies": {}, "notifications": [],
    "projects": {"demo-test": "123456789012"}, "buckets": {"demo-test.firebasestorage.app": False},
}  # fmt: skip


class Failure(Exception):
    pass


def load() -> dict[str, Any]:
    with open(STATE) as file:  # noqa: PTH123
        return json.load(file)


def save(value: Mapping[str, Any], path: str = STATE) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        json.dump(value, file)


def main(words: list[str]) -> None:
    state = load() if os.path.exists(STATE) else dict(EMPTY)  # noqa: PTH110
    flags = {}
    command = []
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            flags[name] = value
        else:
            command.append(word)
    state["calls"].append(words)
    changing = not READS & set(command)
    if changing:
        state["changes"] += 1
    save(state)
    try:
        if changing and state["changes"] == int(os.environ.get("GCLOUD_FAIL_AT", 0)):
            raise Failure("ERROR: (gcloud) The service is currently unavailable.")
        answer = act(state, command, flags)
        save(state)
        sys.stdout.write("\n".join(rendered(answer, flags)) + "\n")
    except Failure as failure:
        raise SystemExit(str(failure)) from None


def act(state: dict[str, Any], command: list[str], flags: dict[str, str]) -> list[Mapping[str, Any]]:
    match command:
        case ["projects", "describe", id]:
            if id not in state["projects"]:
                raise Failure(f"ERROR: [me] does not have permission to access projects instance [{id}] (or it may not exist)")
            return [{"projectNumber": state["projects"][id]}]
        case ["storage", "buckets", "describe", url]:
            return [{"name": url[5:], "uniform_bucket_level_access": bucket(state, url)}]
        case ["storage", "buckets", "list"]:
            return [{"name": name} for name in state["buckets"]]
        case ["storage", "service-agent"]:
            return [{"": "service-123456789012@gs-project-accounts.iam.gserviceaccount.com"}]
        case ["services", "list"]:
            wanted = flags["filter"].removeprefix("config.name=")
            return [{"config": {"name": name}} for name in state["services"] if name == wanted]
        case ["services", "enable", name]:
            state["services"].append(name)
            return []
        case ["storage", "buckets", "notifications", verb, target]:
            return notifications(state, verb, target, flags)
        case ["iam", "service-accounts", "keys", "create", file]:
            find(state, "service-accounts", flags["iam-account"])
            if "GCLOUD_NO_KEYS" in os.environ:
                raise Failure("ERROR: (gcloud) Key creation is not allowed (constraints/iam.disableServiceAccountKeyCreation).")
            key = {"type": "service_account", "private_key": "-----BEGIN", "client_email": flags["iam-account"]}
            save(key, file)
            return []
        case [*group, "get-iam-policy", name]:
            find(state, group[-1], name)
            roles = state["policies"].get(f"{group[-1]}/{name}", [])
            return [{"bindings": {"role": role, "members": member}} for role, member in roles]
        case [*group, "add-iam-policy-binding" | "remove-iam-policy-binding" as verb, name]:
            find(state, group[-1], name)
            return bind(state, f"{group[-1]}/{name}", verb, [flags["role"], flags["member"]])
        case ["pubsub", ("topics" | "subscriptions") as kind, verb, name]:
            return made(state, kind, verb, name, flags)
        case ["iam", "service-accounts", verb, name]:
            email = f"{name}@{flags['project']}.iam.gserviceaccount.com" if verb == "create" else name
            return made(state, "service-accounts", verb, email, flags)
    raise Failure(f"ERROR: (gcloud) Invalid choice: {command}")


def bucket(state: dict[str, Any], url: str) -> bool:
    if url[5:] not in state["buckets"]:
        raise Failure(f"ERROR: (gcloud.storage.buckets.describe) {url} not found: 404.")
    return state["buckets"][url[5:]]


def find(state: dict[str, Any], kind: str, name: str) -> None:
    if kind == "buckets":
        bucket(state, name)
    elif kind != "projects" and f"{kind}/{name}" not in state["things"]:
        raise Failure(f"ERROR: (gcloud) NOT_FOUND: Resource not found (resource={name}).")


def made(state: dict[str, Any], kind: str, verb: str, name: str, flags: dict[str, str]) -> list[Mapping[str, Any]]:
    things, key, project = state["things"], f"{kind}/{name}", flags["project"]
    if kind != "service-accounts" and "pubsub.googleapis.com" not in state["services"]:
        raise Failure("ERROR: (gcloud) PERMISSION_DENIED: Cloud Pub/Sub API has not been used in project 123456789012 before")
    if verb == "create":
        if key in things:
            raise Failure("ERROR: (gcloud) ALREADY_EXISTS: Resource already exists in the project.")
        label = flags.get("labels", "=").split("=")
        things[key] = {"description": flags.get("description", ""), "labels": {label[0]: label[1]}, "new": True}
        if kind == "subscriptions":
            find(state, "topics", flags["topic"])
            things[key]["topic"] = f"projects/{project}/topics/{flags['topic']}"
            for topic in filter(None, [flags.get("dead-letter-topic")]):
                find(state, "topics", topic)
    elif verb == "describe" and "GCLOUD_DENIED" in os.environ and kind == "topics":
        raise Failure("ERROR: (gcloud.pubsub.topics.describe) PERMISSION_DENIED: User not authorized to perform this action.")
    else:
        find(state, kind, name)
        if verb == "delete":
            del things[key]
            state["policies"].pop(key, None)
            for other in things.values():
                if kind == "topics" and other.get("topic") == f"projects/{project}/topics/{name}":
                    other["topic"] = "_deleted-topic_"
            return []
    if "message-retention-duration" in flags:
        days = int(flags["message-retention-duration"].removesuffix("d"))
        things[key]["messageRetentionDuration"] = f"{days * 86_400}s"
    if "max-delivery-attempts" in flags:
        things[key]["deadLetterPolicy"] = {"maxDeliveryAttempts": flags["max-delivery-attempts"]}
    if verb == "modify-push-config":
        things[key]["pushConfig"] = {}
    elif "push-endpoint" in flags:
        oidc = {"serviceAccountEmail": flags["push-auth-service-account"], "audience": flags["push-auth-token-audience"]}
        things[key]["pushConfig"] = {"pushEndpoint": flags["push-endpoint"], "oidcToken": oidc}
    return [things[key]]


def bind(state: dict[str, Any], key: str, verb: str, pair: list[str]) -> list[Mapping[str, Any]]:
    roles = state["policies"].setdefault(key, [])
    thing = state["things"].get(f"service-accounts/{pair[1].removeprefix('serviceAccount:')}")
    if verb.startswith("add") and thing is not None:
        thing["tried"] = thing.get("tried", 0) + 1
        if thing["tried"] <= int(os.environ.get("GCLOUD_FRESH", 0)):
            save(state)
            raise Failure(f"ERROR: (gcloud) INVALID_ARGUMENT: Service account {pair[1]} does not exist.")
    if verb.startswith("add"):
        roles.append(pair)
    elif pair in roles:
        roles.remove(pair)
    else:
        raise Failure("ERROR: (gcloud) Policy binding with the specified principal, role, and condition not found!")
    return []


def notifications(state: dict[str, Any], verb: str, target: str, flags: dict[str, str]) -> list[Mapping[str, Any]]:
    known = state["notifications"]
    if verb == "create":
        bucket(state, target)
        topic = "//pubsub.googleapis.com/" + flags["topic"]
        id = str(len(state["calls"]))
        known.append({"id": id, "bucket": target[5:], "topic": topic, "event_types": flags["event-types"].split(",")})
        known[-1]["object_name_prefix"] = flags.get("object-prefix", "")
    elif verb == "delete":
        state["notifications"] = [one for one in known if not target.endswith(f"/{one['id']}")]
    else:
        return [{"Notification Configuration": one} for one in known if one.get("bucket", target[5:]) == target[5:]]
    return []


def rendered(rows: list[Mapping[str, Any]], flags: dict[str, str]) -> list[str]:
    wanted = re.fullmatch(r"value\((.*)\)", flags.get("format", ""))
    if wanted is None:
        return [str(value) for row in rows for value in row.values()]
    fields = [field.replace("'", "") for field in re.sub(r"\.list\([^)]*\)", "", wanted[1]).split(",")]
    return ["\t".join(value(row, field) for field in fields) for row in rows]


def value(row: Any, field: str) -> str:
    for step in field.split("."):
        row = row.get(step, "") if isinstance(row, dict) else ""
    return ",".join(row) if isinstance(row, list) else str(row)


if __name__ == "__main__":
    main(sys.argv[1:])
