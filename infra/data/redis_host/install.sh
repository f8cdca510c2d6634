#!/bin/bash
# Makes an Amazon Linux 2023 machine a Redis 8 server with the query engine, and keeps it in order.
#
# Systems Manager runs it when the instance appears, whenever the stage's file changed one of the
# variables below, and daily: it changes only what differs. The stack waits for it, and fails unless
# the server answers as it must. `rotate` gives every user a new password.
# Everything it prints is in /var/log/redis-install.log and CloudWatch.
set -euo pipefail
shopt -s inherit_errexit

ETC=${ETC:-/etc/redis}
CONFIG=${CONFIG:-$ETC/drug-catalog.conf}
DATA=${DATA:-/var/lib/redis-data}
LOG_FILE=${LOG_FILE:-/var/log/redis/redis.log}
SOCKET=${SOCKET:-/run/drug-catalog-redis/redis.sock}
PACKAGE_FILE=${PACKAGE_FILE:-/var/tmp/redis.rpm}
MODULE_FOLDERS=${MODULE_FOLDERS:-/usr/lib/redis /usr/lib64/redis /opt/redis /usr/local/lib/redis}
UNITS=${UNITS:-/etc/systemd/system}
HOST_USER=drugsync_host
RESTART=no
declare -A NEXT=()  # a rotation's new passwords, by user

apply() {
  : "${REGION:?}" "${PACKAGE:?}" "${PACKAGE_SHA256:?}" "${OLDEST_VERSIONS:?}" "${MAX_MEMORY_MB:?}"
  : "${LOG_GROUP:?}" "${METRICS_NAMESPACE:?}" "${METRICS_STAGE:?}" "${VOLUME:?}" "${DATA_DEVICE:?}"
  : "${HOST_NAME:?}" "${AUTHORITY_SECRET:?}" "${CERTIFICATE_SECRET:?}" "${USERS:?}" "${PROBES:?}"
  exec > >(tee -a /var/log/redis-install.log) 2>&1
  ship_logs
  attach_volume
  mount_data
  install_package
  tune_kernel
  issue_certificates
  write_users
  write_config "$(find_module redisearch.so)"
  start_service
  publish_figures
  check_answers
  tell_of_upkeep
  echo "redis is ready"
}

# Without this figure for two days an alarm says that nobody renews the certificate, updates the
# server or rotates its passwords any more.
tell_of_upkeep() {
  if [ -e "$ETC/rotating" ]; then
    echo "the last rotation did not end: start it again (docs/passwords.md)"
    return
  fi
  aws cloudwatch put-metric-data --region "$REGION" --namespace "$METRICS_NAMESPACE" --unit Count \
    --dimensions "stage=$METRICS_STAGE" --metric-name redis_upkeep --value 1
}

# Called first, so that the log group has the whole installation even if a later step fails.
ship_logs() {
  [ -x /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl ] ||
    dnf install -y amazon-cloudwatch-agent
  cat > /etc/redis-logs.json <<JSON
{"logs": {"logs_collected": {"files": {"collect_list": [
  {"file_path": "/var/log/redis-install.log", "log_group_name": "$LOG_GROUP",
   "log_stream_name": "{instance_id}/install"},
  {"file_path": "$LOG_FILE", "log_group_name": "$LOG_GROUP",
   "log_stream_name": "{instance_id}/redis"}]}}}}
JSON
  /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
    -a fetch-config -m ec2 -s -c file:/etc/redis-logs.json
}

# The data's volume outlives instances. It is detached from the previous instance, which is stopped
# first, so that two servers never write to it.
attach_volume() {
  local holder me other
  me=$(instance_id)
  holder=$(ec2 describe-volumes --volume-ids "$VOLUME" \
    --query 'Volumes[0].Attachments[0].InstanceId' --output text)
  [ "$holder" = "$me" ] && return
  if [ "$holder" != None ]; then
    echo "taking $VOLUME from $holder"
    ec2 stop-instances --instance-ids "$holder" > /dev/null
    ec2 wait instance-stopped --instance-ids "$holder"
    ec2 detach-volume --volume-id "$VOLUME" > /dev/null
  fi
  # If the stage names another snapshot, its volume replaces the attached one.
  other=$(ec2 describe-volumes --filters "Name=attachment.instance-id,Values=$me" \
    "Name=attachment.device,Values=$DATA_DEVICE" --query 'Volumes[0].VolumeId' --output text)
  if [ "$other" != None ]; then
    echo "$other makes room for $VOLUME"
    systemctl stop drug-catalog-redis
    umount "$DATA"
    ec2 detach-volume --volume-id "$other" > /dev/null
    ec2 wait volume-available --volume-ids "$other"
    RESTART=yes
  fi
  ec2 wait volume-available --volume-ids "$VOLUME"
  ec2 attach-volume --volume-id "$VOLUME" --instance-id "$me" --device "$DATA_DEVICE" > /dev/null
  ec2 wait volume-in-use --volume-ids "$VOLUME"
}

ec2() { aws ec2 --region "$REGION" "$@"; }

instance_id() {
  local token
  token=$(curl --fail --silent --request PUT http://169.254.169.254/latest/api/token \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 60')
  curl --fail --silent --header "X-aws-ec2-metadata-token: $token" \
    http://169.254.169.254/latest/meta-data/instance-id
}

# Keeps an existing file system, which may come from a snapshot, and grows it to the volume's size.
mount_data() {
  local device
  if ! mountpoint --quiet "$DATA"; then
    for _ in $(seq 60); do [ -b "$DATA_DEVICE" ] && break; sleep 1; done
    device=$(readlink -f "$DATA_DEVICE")
    blkid "$device" > /dev/null || mkfs.xfs "$device"
    mkdir -p "$DATA"
    sed -i "\\| $DATA |d" /etc/fstab
    echo "UUID=$(blkid -s UUID -o value "$device") $DATA xfs defaults,nofail 0 2" >> /etc/fstab
    mount "$DATA"
  fi
  xfs_growfs "$DATA" > /dev/null
}

install_package() {
  local file=$PACKAGE_FILE installed=$ETC/package.sha256
  mkdir -p "$ETC" "$(dirname "$LOG_FILE")"
  if [ "$(cat "$installed" 2> /dev/null)" != "$PACKAGE_SHA256" ]; then
    case "$PACKAGE" in
      s3://*) aws s3 cp --region "$REGION" --only-show-errors "$PACKAGE" "$file" ;;
      https://*) curl --fail --silent --show-error --location --output "$file" "$PACKAGE" ;;
      *) echo "the package $PACKAGE is neither s3:// nor https://"; return 1 ;;
    esac
    echo "$PACKAGE_SHA256  $file" | sha256sum --check -
    dnf install -y "$file" || dnf downgrade -y "$file"
    id redis > /dev/null 2>&1 || useradd --system --shell /sbin/nologin redis
    RESTART=yes
  fi
  check_version "$(redis-server --version)"
  echo "$PACKAGE_SHA256" > "$installed"
  chown redis:redis "$(dirname "$LOG_FILE")" "$DATA"
  chmod 0750 "$DATA"
}

# check_version "Redis server v=8.2.9 sha=...": older ones have faults that let an attacker run code.
# OLDEST_VERSIONS has one version per branch, ascending. A newer branch than these has every fix.
check_version() {
  local version branch oldest
  version=$(sed -n 's/.* v=\([0-9]*\.[0-9]*\.[0-9]*\).*/\1/p' <<< "$1")
  branch=${version%.*}
  for oldest in $OLDEST_VERSIONS; do
    if [ "${oldest%.*}" = "$branch" ]; then break; fi
  done
  if [ -z "$version" ] || [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" != "$oldest" ]
  then
    echo "the package holds Redis ${version:-of no version}; $OLDEST_VERSIONS or a newer one of its branch is needed"
    return 1
  fi
}

# Without overcommit, the fork that rewrites the append-only file can fail for memory that it never
# uses.
tune_kernel() {
  echo "vm.overcommit_memory = 1" > /etc/sysctl.d/90-redis.conf
  echo "net.core.somaxconn = 1024" >> /etc/sysctl.d/90-redis.conf
  sysctl --system > /dev/null
}

find_module() {
  local found
  # shellcheck disable=SC2086 # a list of folders
  found=$(find $MODULE_FOLDERS -name "$1" -print -quit 2> /dev/null || true)
  if [ -z "$found" ]; then
    echo "the package has no $1 below $MODULE_FOLDERS: it lacks the query engine" >&2
    return 1
  fi
  echo "$found"
}

# The stack's own authority signs the server's certificate. The authority's key is in a secret that
# only this host reads. Its certificate is in another secret: functions verify the server with it.
issue_certificates() {
  local work
  mkdir -p "$ETC"
  work=$(mktemp -d)
  secret "$AUTHORITY_SECRET" > "$work/authority.json" # where it cannot be read, nothing is made anew
  if ! field certificate < "$work/authority.json" > "$work/ca.pem" 2> /dev/null; then
    echo "making the authority of $HOST_NAME"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
      -subj "/CN=Authority of $HOST_NAME" -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
      -addext "keyUsage=critical,keyCertSign,cRLSign" \
      -keyout "$work/ca.key" -out "$work/ca.pem" 2> /dev/null
    as_json key "$work/ca.key" certificate "$work/ca.pem" | put_secret "$AUTHORITY_SECRET"
  fi
  if [ "$(secret "$CERTIFICATE_SECRET" | field ca 2> /dev/null)" != "$(cat "$work/ca.pem")" ]; then
    as_json ca "$work/ca.pem" | put_secret "$CERTIFICATE_SECRET"
  fi
  if ! certificate_is_good "$work/ca.pem"; then
    secret "$AUTHORITY_SECRET" | field key > "$work/ca.key"
    sign_certificate "$work"
  fi
  rm -rf "$work"
}

# Valid for two more months (daily runs renew it in time), by the strict rules of Python 3.13 and
# newer.
certificate_is_good() {
  openssl x509 -in "$ETC/server.pem" -noout -checkend 5184000 > /dev/null 2>&1 &&
    openssl verify -x509_strict -CAfile "$1" -verify_hostname "$HOST_NAME" "$ETC/server.pem" > /dev/null 2>&1
}

sign_certificate() {
  local work=$1
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$HOST_NAME" \
    -keyout "$work/server.key" -out "$work/server.csr" 2> /dev/null
  printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$HOST_NAME" > "$work/extensions"
  printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >> "$work/extensions"
  openssl x509 -req -in "$work/server.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 397 \
    -CAcreateserial -extfile "$work/extensions" -out "$work/server.pem" 2> /dev/null
  keep "$work/ca.pem" "$ETC/ca.pem"
  keep "$work/server.key" "$ETC/server.key"
  keep "$work/server.pem" "$ETC/server.pem"
}

# keep FILE PLACE: readable by the server only.
keep() {
  install --mode 0600 "$1" "$2"
  own "$2"
}

own() {
  if [ "$(id -u)" = 0 ] && id redis > /dev/null 2>&1; then chown redis:redis "$1"; fi
}

# secret ARN [VERSION]: AWSCURRENT, or the version before it.
secret() {
  aws secretsmanager get-secret-value --region "$REGION" --secret-id "$1" \
    --version-stage "${2:-AWSCURRENT}" --query SecretString --output text
}

# put_secret ARN, of what stands on standard input. Arguments are seen by every user of the machine,
# so secrets go from program to program by pipes, and to aws by a file that only root reads.
put_secret() {
  local file status=0
  file=$(mktemp)
  cat > "$file"
  aws secretsmanager put-secret-value --region "$REGION" --secret-id "$1" \
    --secret-string "file://$file" > /dev/null || status=$?
  rm -f "$file"
  return "$status"
}

# field NAME, of the JSON on standard input. Python, because the image has no jq.
field() {
  python3 -IS -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]].strip())' "$1"
}

# as_json NAME FILE ...: the files' texts by name.
as_json() {
  python3 -IS -c 'import json, sys
pairs = zip(sys.argv[1::2], sys.argv[2::2])
print(json.dumps({name: open(path).read() for name, path in pairs}))' "$@"
}

# One line per user, from the list of infra/data/redis_users.py: NAME SECRET RIGHTS. The password
# before the last one stays valid, so that no function is ever locked out; the one before that ends
# with the first daily run after a rotation.
# Nobody else may log in but this host itself, by the socket's file.
write_users() {
  local name arn rights passwords
  [ -s "$ETC/host-password" ] || (umask 077; openssl rand -hex 24 > "$ETC/host-password")
  : > "$ETC/users.new"
  chmod 0600 "$ETC/users.new"
  echo "user default off resetkeys resetpass -@all" >> "$ETC/users.new"
  passwords=$(hashed < "$ETC/host-password")
  echo "user $HOST_USER on $passwords ~* &* +@all" >> "$ETC/users.new"
  while read -r name arn rights; do
    passwords=$(hashes "$name" "$arn")
    echo "user $name on $passwords resetkeys $rights" >> "$ETC/users.new"
  done <<< "$USERS"
  mv "$ETC/users.new" "$ETC/users.acl"
  own "$ETC/users.acl"
}

# hashes NAME ARN: of the current password, the previous one, and the pending one of a rotation.
hashes() {
  local current previous=""
  current=$(secret "$2" | field password)
  : "${current:?secret $2 holds no password}"
  if previous=$(secret "$2" AWSPREVIOUS 2> /dev/null); then
    previous=$(field password <<< "$previous")
  fi
  printf '%s\n' "$current" "$previous" "${NEXT[$1]:-}" | sed '/^$/d' | sort -u |
    while read -r password; do hashed <<< "$password"; done | tr '\n' ' '
}

hashed() { echo "#$(tr -d '\n' | sha256sum | cut -d ' ' -f 1)"; }

listen_lines() {
  cat <<CONF
port 0
tls-port ${REDIS_PORT:-6379}
tls-cert-file $ETC/server.pem
tls-key-file $ETC/server.key
tls-ca-cert-file $ETC/ca.pem
tls-auth-clients no
tls-protocols "TLSv1.2 TLSv1.3"
CONF
}

# write_config MODULE. `start_service` applies what can be changed while the server runs.
write_config() {
  (umask 077 && cat > "$CONFIG.new") <<CONF
$(listen_lines)
bind * -::*
unixsocket $SOCKET
unixsocketperm 700
aclfile $ETC/users.acl
daemonize no
logfile $LOG_FILE
dir $DATA
appendonly yes
appendfsync everysec
maxmemory ${MAX_MEMORY_MB}mb
maxmemory-policy noeviction
tcp-keepalive 60
timeout 0
slowlog-log-slower-than -1
loadmodule $1
CONF
  if [ "$(sed '/^maxmemory /d' "$CONFIG" 2> /dev/null)" != "$(sed '/^maxmemory /d' "$CONFIG.new")" ]
  then
    RESTART=yes
  fi
  mv "$CONFIG.new" "$CONFIG"
  own "$CONFIG"
}

start_service() {
  cat > "$UNITS/drug-catalog-redis.service" <<UNIT
[Unit]
Description=Redis with the drug catalog's search indexes
After=network-online.target
Wants=network-online.target
RequiresMountsFor=$DATA

[Service]
Type=simple
User=redis
Group=redis
RuntimeDirectory=drug-catalog-redis
RuntimeDirectoryMode=0700
ExecStart=$(command -v redis-server) $CONFIG
Restart=always
RestartSec=2
LimitNOFILE=65536
TimeoutStartSec=600
NoNewPrivileges=yes
ProtectSystem=full
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  # The package's own unit would take the port.
  systemctl disable --now redis redis-server 2> /dev/null || true
  systemctl enable drug-catalog-redis
  if [ "$RESTART" = yes ] || ! systemctl is-active --quiet drug-catalog-redis; then
    systemctl restart drug-catalog-redis
  else
    take_over
  fi
}

# Gives a running server what needs no restart: memory, users, certificate.
take_over() {
  cli CONFIG SET maxmemory "${MAX_MEMORY_MB}mb"
  cli ACL LOAD
  if grep --quiet '^tls-port' "$CONFIG"; then
    cli CONFIG SET tls-cert-file "$ETC/server.pem" tls-key-file "$ETC/server.key" \
      tls-ca-cert-file "$ETC/ca.pem"
  fi
}

# Logs in as the host's own user, whose password is in this file only.
cli() {
  REDISCLI_AUTH=$(cat "$ETC/host-password") redis-cli -e -s "$SOCKET" --user "$HOST_USER" "$@"
}

# Publishes two metrics a minute. A server that is down or full publishes none, and alarms watch for
# that.
publish_figures() {
  cat > /usr/local/bin/drug-catalog-redis-figures <<SCRIPT
#!/bin/bash
set -euo pipefail
export REDISCLI_AUTH=\$(cat $ETC/host-password)
info=\$(redis-cli -e -s $SOCKET --user $HOST_USER INFO | tr -d '\r')
figure() { sed -n "s/^\$1://p" <<< "\$info"; }
publish() {
  aws cloudwatch put-metric-data --region $REGION --namespace $METRICS_NAMESPACE --unit Percent \\
    --dimensions stage=$METRICS_STAGE --metric-name "\$1" --value "\$2"
}
[ "\$(figure loading)" = 0 ] && [ "\$(figure aof_last_write_status)" = ok ]
publish redis_memory_percent \\
  "\$(awk "BEGIN {print 100 * \$(figure used_memory) / \$(figure maxmemory)}")"
publish redis_disk_percent "\$(df --output=pcent $DATA | tail -n 1 | tr -d ' %')"
SCRIPT
  chmod 0755 /usr/local/bin/drug-catalog-redis-figures
  cat > "$UNITS/drug-catalog-redis-figures.service" <<UNIT
[Unit]
Description=Publish the memory and the disk that Redis uses

[Service]
Type=oneshot
ExecStart=/usr/local/bin/drug-catalog-redis-figures
UNIT
  cat > "$UNITS/drug-catalog-redis-figures.timer" <<UNIT
[Unit]
Description=Publish the memory and the disk that Redis uses, every minute

[Timer]
OnBootSec=60
OnUnitActiveSec=60

[Install]
WantedBy=timers.target
UNIT
  systemctl daemon-reload
  systemctl enable --now drug-catalog-redis-figures.timer
}

# The server answers, has the query engine, refuses clients without a password, and lets each user
# do what PROBES says: USER may|may-not COMMAND, one per line. DRYRUN executes nothing.
check_answers() {
  local tries=${TRIES:-600} user verb command answer
  until [ "$(cli PING 2>&1)" = PONG ]; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "redis does not answer PING: $(cli PING 2>&1)"
      tail -n 5 "$LOG_FILE" || true
      return 1
    fi
    sleep 1
  done
  if ! cli FT._LIST; then
    echo "redis has no query engine: FT._LIST failed"
    return 1
  fi
  if [ "$(redis-cli -s "$SOCKET" PING 2>&1 || true)" = PONG ]; then
    echo "redis answers without a password"
    return 1
  fi
  while read -r user verb command; do
    # shellcheck disable=SC2086 # the command's words
    answer=$(cli ACL DRYRUN "$user" $command 2>&1 || true)
    if [ "$verb" = may ] && [ "$answer" != OK ]; then
      echo "the user $user may not $command: $answer"
      return 1
    fi
    if [ "$verb" = may-not ] && [ "$answer" = OK ]; then
      echo "the user $user may $command"
      return 1
    fi
  done <<< "$PROBES"
}

# A new password for each user. The server knows it before the secret does, and keeps the old one.
rotate() {
  : "${REGION:?}" "${USERS:?}"
  exec > >(tee -a /var/log/redis-install.log) 2>&1
  rotate_users
  echo "passwords are rotated"
}

rotate_users() {
  local name arn rights
  touch "$ETC/rotating"
  while read -r name arn rights; do
    NEXT[$name]=$(openssl rand -hex 24)
  done <<< "$USERS"
  write_users
  cli ACL LOAD
  while read -r name arn rights; do
    printf '{"username": "%s", "password": "%s"}' "$name" "${NEXT[$name]}" | put_secret "$arn"
  done <<< "$USERS"
  rm "$ETC/rotating"
}

case "${1:-}" in apply | rotate) "$1" ;; esac
