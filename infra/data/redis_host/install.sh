#!/bin/bash
# Makes an Amazon Linux 2023 machine a Redis 8 server with the query engine.
#
# It runs once, as the instance's user data, with the variables of `main` in its environment. The
# instance signals CloudFormation with this script's exit code: unless PING and FT._LIST answered,
# the stack's creation fails. Everything it prints is in /var/log/redis-install.log and CloudWatch.
set -euo pipefail

CONFIG=${CONFIG:-/etc/redis/drug-catalog.conf}
DATA=${DATA:-/var/lib/redis-data}
PACKAGE_FILE=${PACKAGE_FILE:-/var/tmp/redis.rpm}
MODULE_FOLDERS=${MODULE_FOLDERS:-/usr/lib/redis /usr/lib64/redis /opt/redis /usr/local/lib/redis}

main() {
  : "${REGION:?}" "${PACKAGE:?}" "${PACKAGE_SHA256:?}" "${SECRET_ARN:?}" "${MAX_MEMORY_MB:?}"
  : "${LOG_GROUP:?}" "${METRICS_NAMESPACE:?}" "${METRICS_STAGE:?}" "${DATA_DEVICE:?}"
  : "${SEARCH_SECRET_ARN:?}" "${SEARCH_USER:?}" "${SEARCH_RIGHTS:?}"
  exec > >(tee -a /var/log/redis-install.log) 2>&1
  ship_logs
  mount_data
  install_package
  tune_kernel
  write_config "$(find_module redisearch.so)" "$(password "$SECRET_ARN")" \
    "$(password "$SEARCH_SECRET_ARN")"
  start_service
  publish_memory
  check_answers
  echo "redis is ready"
}

# The log group must have the installation from its beginning, whatever happens later.
ship_logs() {
  dnf install -y amazon-cloudwatch-agent
  cat > /etc/redis-logs.json <<JSON
{"logs": {"logs_collected": {"files": {"collect_list": [
  {"file_path": "/var/log/redis-install.log", "log_group_name": "$LOG_GROUP",
   "log_stream_name": "{instance_id}/install"},
  {"file_path": "/var/log/redis/redis.log", "log_group_name": "$LOG_GROUP",
   "log_stream_name": "{instance_id}/redis"}]}}}}
JSON
  /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
    -a fetch-config -m ec2 -s -c file:/etc/redis-logs.json
}

# The data's own volume. An existing file system is kept: it may come from a snapshot.
mount_data() {
  local device
  for _ in $(seq 60); do [ -b "$DATA_DEVICE" ] && break; sleep 1; done
  device=$(readlink -f "$DATA_DEVICE")
  blkid "$device" > /dev/null || mkfs.xfs "$device"
  mkdir -p "$DATA"
  echo "UUID=$(blkid -s UUID -o value "$device") $DATA xfs defaults,nofail 0 2" >> /etc/fstab
  mount "$DATA"
}

install_package() {
  local file=$PACKAGE_FILE
  case "$PACKAGE" in
    s3://*) aws s3 cp --region "$REGION" --only-show-errors "$PACKAGE" "$file" ;;
    https://*) curl --fail --silent --show-error --location --output "$file" "$PACKAGE" ;;
    *) echo "the package $PACKAGE is neither s3:// nor https://"; return 1 ;;
  esac
  echo "$PACKAGE_SHA256  $file" | sha256sum --check -
  dnf install -y "$file"
  id redis > /dev/null 2>&1 || useradd --system --shell /sbin/nologin redis
  mkdir -p /var/log/redis "$(dirname "$CONFIG")"
  chown redis:redis /var/log/redis "$DATA"
  chmod 0750 "$DATA"
}

# A fork for the append-only file's rewrite must not fail for want of memory that it never touches.
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

# password ARN. To read the secret with jq would need jq; Python comes with the image.
password() {
  aws secretsmanager get-secret-value --region "$REGION" --secret-id "$1" \
    --query SecretString --output text |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["password"])'
}

# write_config MODULE PASSWORD SEARCH_PASSWORD: the whole configuration, readable by the server only.
# The user of searches may read and nothing else: SEARCH_RIGHTS, from infra/search/search_rights.py.
write_config() {
  local module=$1 password=${2:?no password} search=${3:?no password for searches} hash
  hash=$(printf %s "$search" | sha256sum | cut -d ' ' -f 1)
  (umask 077 && cat > "$CONFIG") <<CONF
port ${REDIS_PORT:-6379}
bind * -::*
protected-mode yes
requirepass $password
user $SEARCH_USER on #$hash $SEARCH_RIGHTS
daemonize no
logfile ${LOG_FILE:-/var/log/redis/redis.log}
dir $DATA
appendonly yes
appendfsync everysec
maxmemory ${MAX_MEMORY_MB}mb
maxmemory-policy noeviction
tcp-keepalive 60
timeout 0
loadmodule $module
CONF
  if [ "$(id -u)" = 0 ] && id redis > /dev/null 2>&1; then chown redis:redis "$CONFIG"; fi
}

start_service() {
  cat > /etc/systemd/system/drug-catalog-redis.service <<UNIT
[Unit]
Description=Redis with the drug catalog's search indexes
After=network-online.target
Wants=network-online.target
RequiresMountsFor=$DATA

[Service]
Type=simple
User=redis
Group=redis
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
  systemctl enable --now drug-catalog-redis
}

# One figure a minute for the memory alarm.
publish_memory() {
  cat > /usr/local/bin/drug-catalog-redis-memory <<SCRIPT
#!/bin/bash
set -euo pipefail
export REDISCLI_AUTH=\$(sed -n 's/^requirepass //p' $CONFIG)
used=\$(redis-cli info memory | tr -d '\r' | sed -n 's/^used_memory://p')
limit=\$(redis-cli info memory | tr -d '\r' | sed -n 's/^maxmemory://p')
aws cloudwatch put-metric-data --region $REGION --namespace $METRICS_NAMESPACE \\
  --metric-name redis_memory_percent --unit Percent \\
  --dimensions stage=$METRICS_STAGE --value "\$(awk "BEGIN {print 100 * \$used / \$limit}")"
SCRIPT
  chmod 0755 /usr/local/bin/drug-catalog-redis-memory
  cat > /etc/systemd/system/drug-catalog-redis-memory.service <<UNIT
[Unit]
Description=Publish the memory that Redis uses

[Service]
Type=oneshot
ExecStart=/usr/local/bin/drug-catalog-redis-memory
UNIT
  cat > /etc/systemd/system/drug-catalog-redis-memory.timer <<UNIT
[Unit]
Description=Publish the memory that Redis uses, every minute

[Timer]
OnBootSec=60
OnUnitActiveSec=60

[Install]
WantedBy=timers.target
UNIT
  systemctl daemon-reload
  systemctl enable --now drug-catalog-redis-memory.timer
}

# The server with the query engine answers, answers nobody without the password, and lets the user
# of searches search and not write. DRYRUN only says what would be allowed.
check_answers() {
  local tries=${TRIES:-60} anonymous may
  export REDISCLI_AUTH
  REDISCLI_AUTH=$(sed -n 's/^requirepass //p' "$CONFIG")
  until [ "$(redis-cli -p "${REDIS_PORT:-6379}" ping 2>&1)" = PONG ]; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "redis does not answer PING: $(redis-cli -p "${REDIS_PORT:-6379}" ping 2>&1)"
      tail -n 5 "${LOG_FILE:-/var/log/redis/redis.log}" || true
      return 1
    fi
    sleep 1
  done
  if ! redis-cli -e -p "${REDIS_PORT:-6379}" FT._LIST; then
    echo "redis has no query engine: FT._LIST failed"
    return 1
  fi
  anonymous=$(env -u REDISCLI_AUTH redis-cli -p "${REDIS_PORT:-6379}" ping 2>&1 || true)
  if [ "$anonymous" = PONG ]; then
    echo "redis answers without a password"
    return 1
  fi
  may=$(redis-cli -p "${REDIS_PORT:-6379}" ACL DRYRUN "$SEARCH_USER" FT.SEARCH drugs:x x 2>&1)
  if [ "$may" != OK ]; then
    echo "the user of searches may not search: $may"
    return 1
  fi
  may=$(redis-cli -p "${REDIS_PORT:-6379}" ACL DRYRUN "$SEARCH_USER" HSET drugs:live x x 2>&1)
  if [ "$may" = OK ]; then
    echo "the user of searches may write"
    return 1
  fi
}

if [ "${1:-}" = install ]; then main; fi
