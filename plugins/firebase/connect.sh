#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Let a bucket of Firebase tell your Picward connector about every upload, with nothing installed in the project:
# Cloud Storage notification -> Pub/Sub topic -> signed push to the connector. `connect.sh --help` says how.
set -euo pipefail

MADE="Made by connect.sh of Picward"   # how undo knows what is ours: description of an account
LABEL=made-by LABELLED=picward         # … and label of a topic or subscription
WAIT=${PICWARD_CONNECT_WAIT:-5}        # seconds between tries while a new account is not known everywhere yet
TRIES=12
ATTEMPTS=100                           # the most that Pub/Sub counts: with 600 s between them some 16 hours, then dead letters
KEPT_DAYS=31                           # the longest that Pub/Sub keeps a message

usage() {
  cat <<'HELP'
Usage: connect.sh --project ID --bucket NAME --url https://…/webhooks/firebase [options]

  --project ID          the Firebase project's id
  --bucket NAME         the bucket that your app uploads to, like my-app.firebasestorage.app
  --url ADDRESS         the webhook address of your connector, as its console shows it

  --prefix PREFIX       only objects whose names begin so, like pending/ (default: the whole bucket)
  --deletions           also tell about deleted objects
  --quarantine NAME     a second bucket that hidden pictures move to
  --name NAME           what topics, subscriptions and accounts are called (default: picward); use another for a second bucket
  --region REGION       keep messages in this region only, like europe-west1
  --account EMAIL       let Picward work as this account, which exists, instead of a new one
  --key FILE            make a key for Picward's account and write it to FILE; not needed where Picward runs on Google Cloud as
                        that account
  --database            Picward tells the app through the Realtime Database (default: Firestore)
  --strikes             Picward may also disable accounts or set claims
  --messages            Picward may also send messages to users

  --dry-run             print the commands and change nothing
  --replay              push the dead letters to the connector again; a later run without --replay ends that
  --undo                remove what an earlier run with the same --project, --bucket and --name made; what other buckets
                        use as well stays until the last of them is undone
HELP
}

die() { echo "connect.sh: $*" >&2; exit 1; }
wrong() { echo "connect.sh: $*" >&2; echo "Try: connect.sh --help" >&2; exit 2; }
say() { echo "== $*"; }

project='' bucket='' url='' prefix='' quarantine='' name=picward region='' account='' key='' tells=firestore
deletions='' strikes='' messages='' dry='' undo='' replay=''

options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --project|--bucket|--url|--prefix|--quarantine|--name|--region|--account|--key)
        [ -n "${2:-}" ] || wrong "$1 needs a value"
        printf -v "${1#--}" %s "$2"; shift ;;
      --deletions) deletions=yes ;;
      --database) tells=database ;;
      --strikes) strikes=yes ;;
      --messages) messages=yes ;;
      --dry-run) dry=yes ;;
      --undo) undo=yes ;;
      --replay) replay=yes ;;
      -h|--help) usage; exit 0 ;;
      *) wrong "unknown option: $1" ;;
    esac
    shift
  done
}

fits() { local LC_ALL=C; [[ $2 =~ $3 ]] || wrong "$1: $4"; }

check_options() {
  local bucket_form='^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$'
  fits --project "$project" '^[a-z][a-z0-9-]{4,28}[a-z0-9]$' "a project id, like my-app-1a2b3"
  fits --bucket "$bucket" "$bucket_form" "a bucket's name without gs://, like my-app.firebasestorage.app"
  fits --name "$name" '^[a-z][a-z0-9-]{2,19}$' "3 to 20 lower-case letters, digits and hyphens, a letter first"
  [ -z "$quarantine" ] || fits --quarantine "$quarantine" "$bucket_form" "a bucket's name without gs://"
  [ "$quarantine" != "$bucket" ] || wrong "--quarantine: another bucket than --bucket"
  [ -z "$region" ] || fits --region "$region" '^[a-z]+-[a-z]+[0-9]+$' "a region, like europe-west1"
  [ -z "$account" ] || fits --account "$account" '^[a-z0-9][a-z0-9.-]*@[a-z0-9.-]+\.gserviceaccount\.com$' \
    "a service account's e-mail address"
  [[ $prefix != *[[:cntrl:]]* && $prefix != /* ]] || wrong "--prefix: the beginning of objects' names, without a slash before it"
  [ -z "$undo" ] || [ -z "$replay" ] || wrong "--replay and --undo: one of them"
  [ -z "$undo" ] || return 0
  fits --url "$url" '^https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?/[A-Za-z0-9/_.~-]*$' \
    "the connector's public address, like https://picward.example/webhooks/firebase"
}

# -- gcloud ------------------------------------------------------------------------------------------------------------------

# Ask gcloud something. Gives 1 when there is no such thing (a service that is off has none), and ends for every other failure:
# no access is no proof.
ask() {
  local answer
  if answer=$(gcloud "$@" --project="$project" 2>"$errors"); then
    printf '%s\n' "$answer"
  elif grep -Eqi 'NOT_FOUND|not found|does not exist|SERVICE_DISABLED|has not been used in project' "$errors"; then
    return 1
  else
    echo "connect.sh: this failed: gcloud $*" >&2
    cat "$errors" >&2
    exit 3   # out of a command substitution; `known` passes it on
  fi
}

# Like ask, into the variable `found`.
known() {
  local code=0
  found=$(ask "$@") || code=$?
  [ "$code" != 3 ] || exit 3
  return "$code"
}

show() { printf '+ gcloud'; printf ' %q' "$@" --project="$project"; echo; }
try() { gcloud "$@" --project="$project" --quiet >"$output" 2>&1; }
failed() {
  cat "$output" >&2
  if grep -q 'disableServiceAccountKeyCreation' "$output"; then
    echo "Your organisation makes no keys. Leave --key away: Picward can run on Google Cloud as $runtime, or elsewhere by" >&2
    echo "Workload Identity Federation, with GOOGLE_APPLICATION_CREDENTIALS naming the configuration file." >&2
  fi
  die "the command above failed; nothing after it was done. Run connect.sh again to go on from here."
}

run() {
  show "$@"
  [ -z "$dry" ] || return 0
  try "$@" || failed
  changed=yes
}

# Like run, about an account that may be new: it is known to IAM before it is known everywhere.
run_soon() {
  local count
  show "$@"
  [ -z "$dry" ] || return 0
  for count in $(seq "$TRIES"); do
    if try "$@"; then changed=yes; return 0; fi
    grep -qi 'does not exist' "$output" || break
    echo "   (try $count of $TRIES: the account is not known everywhere yet)"
    sleep "$WAIT"
  done
  failed
}

# bound MEMBER ROLE COMMAND…: true when the policy that `gcloud COMMAND…` gives binds the role.
bound() {
  local member=$1 role=$2; shift 2
  known "$@" '--flatten=bindings[].members' '--format=value(bindings.role,bindings.members)' || return 1
  grep -Fxq -- "$role"$'\t'"$member" <<<"$found"
}

# bind MEMBER ROLE GROUP… -- NAME [FLAG]: bind the role on one resource unless it is.
bind() { _binding add "$@"; }
unbind() { _binding remove "$@"; }
_binding() {
  local verb=$1 member=$2 role=$3 group=() has=''; shift 3
  while [ "$1" != -- ]; do group+=("$1"); shift; done
  shift
  local resource=$1; shift
  bound "$member" "$role" "${group[@]}" get-iam-policy "$resource" && has=yes
  case $verb$has in
    addyes|remove) return 0 ;;
    add) run_soon "${group[@]}" add-iam-policy-binding "$resource" --member="$member" --role="$role" "$@" ;;
    removeyes) run "${group[@]}" remove-iam-policy-binding "$resource" --member="$member" --role="$role" "$@" ;;
  esac
}

# labelled KIND NAME: true when there is one of ours; ends when there is somebody else's.
labelled() {
  known pubsub "$1" describe "$2" "--format=value(labels.$LABEL)" || return 1
  [ "$found" = "$LABELLED" ] || die "$1 $2 is there and was not made by this script. Choose another --name; it is left alone."
}

described() {
  known iam service-accounts describe "$1" '--format=value(description)' || return 1
  [ "$found" = "$MADE" ] || die "the account $1 is there and was not made by this script. Choose another --name; it is left alone."
}

# -- connect -----------------------------------------------------------------------------------------------------------------

service() {
  known services list --enabled "--filter=config.name=$1" '--format=value(config.name)' || found=''
  [ "$found" = "$1" ] || run services enable "$1"
}

topic() {
  labelled topics "$1" && return 0
  local flags=("--labels=$LABEL=$LABELLED")
  [ -z "$region" ] || flags+=("--message-storage-policy-allowed-regions=$region")
  run pubsub topics create "$1" "${flags[@]}"
}

service_account() {
  described "$1@$project.iam.gserviceaccount.com" && return 0
  run iam service-accounts create "$1" --display-name="$2" --description="$MADE"
}

push_subscription() {
  local auth=("--push-endpoint=$url" "--push-auth-service-account=$pusher" "--push-auth-token-audience=$url")
  local attempts=deadLetterPolicy.maxDeliveryAttempts now
  if labelled subscriptions "$name-push"; then
    known pubsub subscriptions describe "$name-push" \
      "--format=value(topic,pushConfig.pushEndpoint,pushConfig.oidcToken.serviceAccountEmail,pushConfig.oidcToken.audience,$attempts)"
    now=$found
    [ "$now" != "projects/$project/topics/$uploads"$'\t'"$url"$'\t'"$pusher"$'\t'"$url"$'\t'"$ATTEMPTS" ] || return 0
    case $now in
      "projects/$project/topics/$uploads"$'\t'*)
        run pubsub subscriptions update "$name-push" "${auth[@]}" \
          --dead-letter-topic="$dead" --max-delivery-attempts="$ATTEMPTS"
        return 0 ;;
    esac
    # Its topic is gone: such a subscription gets nothing any more and cannot be given another topic.
    run pubsub subscriptions delete "$name-push"
  fi
  # The connector answers at once, but a minute's hiccup must not count as five attempts.
  run pubsub subscriptions create "$name-push" --topic="$uploads" "${auth[@]}" --ack-deadline=120 \
    --min-retry-delay=10s --max-retry-delay=600s --message-retention-duration=7d --expiration-period=never \
    --dead-letter-topic="$dead" --max-delivery-attempts="$ATTEMPTS" "--labels=$LABEL=$LABELLED"
}

dead_letters() {
  if ! labelled subscriptions "$dead"; then
    run pubsub subscriptions create "$dead" --topic="$dead" --message-retention-duration="${KEPT_DAYS}d" \
      --expiration-period=never "--labels=$LABEL=$LABELLED"
  else
    known pubsub subscriptions describe "$dead" '--format=value(messageRetentionDuration)'
    [ "$found" = "$((KEPT_DAYS * 86400))s" ] ||
      run pubsub subscriptions update "$dead" --message-retention-duration="${KEPT_DAYS}d"
  fi
  [ -n "$replay" ] || at_rest
}

# Let dead letters lie until somebody asks for them.
at_rest() {
  known pubsub subscriptions describe "$dead" '--format=value(pushConfig.pushEndpoint)' || return 0
  [ -z "$found" ] || run pubsub subscriptions modify-push-config "$dead" --push-endpoint=
}

# Push dead letters to the connector as the uploads are that they tell of.
push_dead_letters() {
  known pubsub subscriptions describe "$dead" '--format=value(pushConfig.pushEndpoint)' || found=''
  [ "$found" = "$url" ] || run pubsub subscriptions update "$dead" "--push-endpoint=$url" \
    "--push-auth-service-account=$pusher" "--push-auth-token-audience=$url" --min-retry-delay=10s --max-retry-delay=600s
}

# Give the notifications of a bucket that go to our topic, one a line: id, topic, events, prefix.
notifications() {
  local c="'Notification Configuration'"
  known storage buckets notifications list "gs://$1" \
    "--format=value($c.id,$c.topic,$c.event_types.list(separator=','),$c.object_name_prefix)" || return 0
  grep -F $'\t'"//pubsub.googleapis.com/projects/$project/topics/$uploads"$'\t' <<<"$found" || true
}

notification() {
  local events=OBJECT_FINALIZE,OBJECT_METADATA_UPDATE flags=() wanted list line there=''
  list=$(notifications "$bucket") || exit
  [ -z "$deletions" ] || events+=,OBJECT_DELETE
  wanted="$events"$'\t'"$prefix"
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    if [ "$(cut -f3- <<<"$line")" = "$wanted" ]; then there=yes
    else run storage buckets notifications delete "projects/_/buckets/$bucket/notificationConfigs/${line%%$'\t'*}"; fi
  done <<<"$list"
  [ -z "$there" ] || return 0
  [ -z "$prefix" ] || flags+=("--object-prefix=$prefix")
  run storage buckets notifications create "gs://$bucket" "--topic=projects/$project/topics/$uploads" --skip-topic-setup \
    "--event-types=$events" --payload-format=json ${flags[@]+"${flags[@]}"}
}

# A bucket where each object may have a list of readers of its own: taking "everybody" off it needs the right to change lists.
bucket_role() {
  known storage buckets describe "gs://$1" '--format=value(uniform_bucket_level_access)' || die "there is no bucket $1$reach"
  if [ "$found" = True ]; then echo roles/storage.objectUser; else echo roles/storage.objectAdmin; fi
}

project_roles() {
  if [ "$tells" = database ]; then echo roles/firebasedatabase.admin; else echo roles/datastore.user; fi
  [ -z "$strikes" ] || echo roles/firebaseauth.admin
  [ -z "$messages" ] || echo roles/firebasecloudmessaging.admin
}

# An empty file is what a run leaves that broke off; another account's key would be stored and then refused.
key_file() {
  if [ -s "$key" ]; then
    if grep -q '"private_key"' "$key" && grep -Fq "\"$runtime\"" "$key"; then return 0; fi
    die "$key is there and holds no key of $runtime. Move it away, or name another file."
  fi
  [ -n "$dry" ] || rm -f -- "$key"
  ( umask 077; run iam service-accounts keys create "$key" --iam-account="$runtime" ) || exit
  [ -n "$dry" ] || grep -q '"private_key"' "$key" 2>/dev/null || die "gcloud wrote no key to $key. Run connect.sh again."
  changed=yes
}

connect() {
  local one role
  say "Services"
  for one in pubsub iam; do service "$one.googleapis.com"; done

  say "Cloud Storage tells the topic $uploads"
  topic "$uploads"
  known storage service-agent || die "the project has no Cloud Storage service agent."
  bind "serviceAccount:$found" roles/pubsub.publisher pubsub topics -- "$uploads"

  say "Pub/Sub pushes to $url as $pusher"
  service_account "$name-push" "Picward push"
  # Projects from before April 2021 lack this; in others it adds nothing.
  bind "$agent" roles/iam.serviceAccountTokenCreator iam service-accounts -- "$pusher"
  topic "$dead"
  dead_letters
  bind "$agent" roles/pubsub.publisher pubsub topics -- "$dead"
  push_subscription
  bind "$agent" roles/pubsub.subscriber pubsub subscriptions -- "$name-push"

  say "Picward works as $runtime"
  [ -n "$account" ] || service_account "$name-runtime" "Picward"
  for one in "$bucket" ${quarantine:+"$quarantine"}; do
    role=$(bucket_role "$one") || exit
    bind "serviceAccount:$runtime" "$role" storage buckets -- "gs://$one"
  done
  for role in $(project_roles); do bind "serviceAccount:$runtime" "$role" projects -- "$project" --condition=None; done
  [ -z "$key" ] || key_file
  [ -z "$replay" ] || push_dead_letters

  # Last: nothing is told before somebody listens.
  say "The bucket $bucket notifies"
  notification
}

# -- undo --------------------------------------------------------------------------------------------------------------------

# Name the project's other buckets that tell our topic.
sharing() {
  local one list all
  known storage buckets list '--format=value(name)' || return 0
  all=$found
  while IFS= read -r one; do
    if [ -n "$one" ] && [ "$one" != "$bucket" ]; then
      list=$(notifications "$one") || exit
      [ -z "$list" ] || echo "$one"
    fi
  done <<<"$all"
}

disconnect() {
  local list line one role shared
  say "The bucket $bucket notifies no more"
  list=$(notifications "$bucket") || exit
  while IFS= read -r line; do
    [ -z "$line" ] || run storage buckets notifications delete "projects/_/buckets/$bucket/notificationConfigs/${line%%$'\t'*}"
  done <<<"$list"
  shared=$(sharing) || exit
  if [ -z "$shared" ]; then
    say "Subscriptions and topics"
    for one in "$name-push" "$dead"; do if labelled subscriptions "$one"; then run pubsub subscriptions delete "$one"; fi; done
    for one in "$uploads" "$dead"; do if labelled topics "$one"; then run pubsub topics delete "$one"; fi; done
  fi
  say "Roles and accounts"
  for one in "$bucket" ${quarantine:+"$quarantine"}; do
    for role in roles/storage.objectUser roles/storage.objectAdmin; do
      unbind "serviceAccount:$runtime" "$role" storage buckets -- "gs://$one"
    done
  done
  if [ -n "$shared" ]; then
    say "The topic $uploads, its subscriptions and accounts stay: they serve $(paste -sd' ' <<<"$shared"), too"
    return 0
  fi
  for role in datastore.user firebasedatabase.admin firebaseauth.admin firebasecloudmessaging.admin; do
    unbind "serviceAccount:$runtime" "roles/$role" projects -- "$project" --condition=None
  done
  for one in "$pusher" "$runtime"; do
    # An account that was there before stays.
    if [ "$one" != "$account" ] && described "$one"; then run iam service-accounts delete "$one"; fi
  done
}

# -- main --------------------------------------------------------------------------------------------------------------------

options "$@"
check_options
command -v gcloud >/dev/null || die "gcloud is not installed: https://cloud.google.com/sdk/docs/install"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
errors=$work/errors output=$work/output changed='' found=''

reach=" in reach of your account."
known projects describe "$project" '--format=value(projectNumber)' || die "there is no project $project$reach"
agent="serviceAccount:service-$found@gcp-sa-pubsub.iam.gserviceaccount.com"
known storage buckets describe "gs://$bucket" '--format=value(name)' || [ -n "$undo" ] || die "there is no bucket $bucket$reach"
uploads=$name-uploads dead=$name-dead
pusher=$name-push@$project.iam.gserviceaccount.com
runtime=${account:-$name-runtime@$project.iam.gserviceaccount.com}
again="connect.sh --project $project --bucket $bucket --name $name${account:+ --account $account}"

if [ -n "$undo" ]; then disconnect; else connect; fi

echo
if [ -n "$dry" ]; then
  echo "Dry run: the lines with + are what would be run; nothing was changed."
elif [ -n "$undo" ]; then
  echo "Removed. APIs stay enabled, and a key file that you made is worth nothing any more: delete it."
else
  [ -n "$changed" ] || echo "Everything was there already; nothing was changed."
  cat <<DONE
Connected. In Picward, the site needs:
  Project        $project
  Bucket         $bucket
  Push account   $pusher
  Audience       $url
  Credentials    ${key:-none: Picward runs as $runtime, or make a key with --key FILE}
What Picward does not take is pushed again for some 16 hours, and then lies $KEPT_DAYS days in the subscription $dead:
  gcloud pubsub subscriptions pull $dead --limit=10 --project=$project     # look at it
  $again --url $url --replay     # push it once more
To take all of this back:
  $again${quarantine:+ --quarantine $quarantine} --undo
DONE
fi
