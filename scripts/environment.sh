# shellcheck shell=bash
# Sourced by quickstart and test: their common virtual environment, and timed steps. It needs only Python and a bash
# as old as that of macOS (3.2).

unset PYTHONPATH PYTHONHOME CDPATH # keeps the packages of another Python out
unset PYTHONDONTWRITEBYTECODE    # every process would compile cnnzoo and the tests again

script=${0##*/}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${CNNZOO_VENV:-$repository/.venv}
case $venv in
  /*) ;;
  *) venv=$PWD/$venv ;;
esac
log=$venv/install.log
marker=$venv/made-by-cnnzoo
doing=start
where="its output is above"
summary=""
ticker=""

report_failure() {
  [ -z "$ticker" ] || kill "$ticker"
  [ "$1" -eq 0 ] || printf '\n%s: FAILED in the step "%s" with exit code %s; %s.\n' "$script" "$doing" "$1" "$where" >&2
}
trap 'report_failure $?' EXIT
trap 'exit 130' INT # after Ctrl-C the next step must not start

say() { printf '%s\n' "$*"; }

stop() {
  printf '%s: %s\n' "$script" "$*" >&2
  exit 1
}

# logged COMMAND ...: writes a long output to the log; prints its end if the command fails.
logged() {
  local status=0
  "$@" >>"$log" 2>&1 || status=$?
  [ "$status" -ne 0 ] || return 0
  tail -n 25 "$log" >&2
  where="the whole log is $log"
  exit "$status"
}

# step NAME COMMAND ...: prints the command as you would type it, runs it, and adds its seconds to the summary.
step() {
  local started=$SECONDS
  doing=$1
  shift
  printf '\n$'
  printf ' %q' "$@"
  printf '\n'
  "$@" || return
  printf -- '-- %s: %s s\n' "$doing" "$((SECONDS - started))"
  summary="$summary$(printf '  %-20s %4s s' "$doing" "$((SECONDS - started))")"$'\n'
}

# python_between PYTHON LOWEST HIGHEST: succeeds if PYTHON runs and is Python 3.LOWEST to 3.HIGHEST.
python_between() {
  "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info[:2] <= (3, $3))" 2>/dev/null
}

minor_version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# Prints the path of a Python outside any active virtual environment, because that one may be replaced below.
find_python() {
  local candidate highest
  if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
  else
    set -- python3 python3.13 python3.12 python3.11
  fi
  # TensorFlow supports a new Python months later, so one newer than 3.13 is used only if there is no other.
  for highest in 13 99; do
    for candidate in "$@"; do
      if python_between "$candidate" 11 "$highest"; then
        "$candidate" -c 'import sys; print(sys._base_executable)'
        return
      fi
    done
  done
  stop "Python 3.11 or later is needed, and none of these is one: $*. Install it, or give its path: PYTHON=<path> $0"
}

# The last check finds an environment that was moved or copied: its programs still start Python in the old place.
is_sound() {
  python_between "$venv/bin/python" 11 99 &&
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
    grep -qsF "$venv/bin/" "$venv/bin/pip"
}

create_environment() {
  if [ -e "$venv" ] || [ -L "$venv" ]; then
    if [ "$venv" != "$repository/.venv" ] && [ ! -e "$marker" ] && [ -n "$(ls -A "$venv")" ]; then
      stop "CNNZOO_VENV is $venv, which holds something else or a damaged environment; use another folder or an empty one"
    fi
    say "$venv is damaged, unfinished or was moved: it is created again."
    rm -rf "$venv"
  fi
  mkdir -p "$venv" || stop "cannot create $venv; use a folder that you may write to: CNNZOO_VENV=<folder> $0"
  : >"$marker"
  : >"$log"
  if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    logged "$python" -m venv "$venv"
  elif "$python" -c 'import venv, pip' 2>/dev/null; then
    # Debian and Ubuntu have ensurepip in a separate package; an installed pip can replace it.
    logged "$python" -m venv --without-pip "$venv"
    logged "$python" -m pip --python "$venv/bin/python" install pip
  else
    stop "$python has neither the module ensurepip nor pip; on Debian and Ubuntu: sudo apt install python3-venv"
  fi
}

# install REQUIREMENT: uses uv if it is installed, which takes a fifth of pip's time and installs torch for CPUs. If uv
# fails, pip is used, because you may have settings for it. UV=<path> uses another uv, an empty UV= uses pip.
install() {
  local uv=${UV-$(command -v uv || :)}
  if [ -n "$uv" ]; then
    "$uv" pip install --quiet --torch-backend cpu --python "$venv/bin/python" --editable "$1" >>"$log" 2>&1 && return
    say "  uv failed (see $log); pip installs instead."
  fi
  logged "$venv/bin/python" -m pip install --no-compile --no-input --disable-pip-version-check --editable "$1"
}

# prepare_environment REQUIREMENT: puts the environment's programs first on PATH. The package is installed as a link to
# the checkout, so only a change of pyproject.toml, or a move, needs another installation.
prepare_environment() {
  local requirement=$1 started=$SECONDS stamp disk="2.5 GB"
  [ "$requirement" = . ] || disk="4 GB" # the development tools include torch
  doing="environment"
  say "Environment: $venv"
  python=$(find_python)
  cd "$repository" || exit
  # If two scripts start together, the second waits until the first has installed.
  exec 9<pyproject.toml
  "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null || {
    say "Another quickstart or test is installing: waiting for it ..."
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
  }
  is_sound || create_environment
  if [ -n "${PYTHON:-}" ] && [ "$(minor_version "$python")" != "$(minor_version "$venv/bin/python")" ]; then
    stop "PYTHON is Python $(minor_version "$python"), but $venv was made with $(minor_version "$venv/bin/python");" \
      "remove it, or use another: CNNZOO_VENV=<folder> $0"
  fi
  stamp=$(cksum <pyproject.toml && printf '%s' "$repository")
  if [ -x "$venv/bin/cnnzoo" ] && [ "$(cat "$venv/installed-$requirement" 2>/dev/null)" = "$stamp" ]; then
    say "Installed already, with this pyproject.toml."
  else
    say "Installing cnnzoo and what it needs: some minutes and up to $disk of disk the first time (log: $log) ..."
    : >"$log"
    (while sleep 30 >/dev/null 2>&1 9<&-; do say "  still installing, $((SECONDS - started)) s ..."; done) &
    ticker=$!
    install "$requirement"
    # pip would compile on one core. Packages that nothing here imports are skipped. Errors are ignored, because some
    # files are only templates.
    "$venv/bin/python" -m compileall -q -j 0 -x "/(tests?|sympy|networkx|pip|setuptools)/|_test\.py$" "$venv/lib" \
      >/dev/null 2>&1 || :
    kill "$ticker"
    ticker=""
    printf '%s' "$stamp" >"$venv/installed-."
    printf '%s' "$stamp" >"$venv/installed-$requirement"
  fi
  exec 9<&-
  PATH=$venv/bin:$PATH
  setup_seconds=$((SECONDS - started))
  say "-- environment: $setup_seconds s"
}
