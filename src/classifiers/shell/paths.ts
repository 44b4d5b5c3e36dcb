/** What reading a path may reveal; null when nothing is known against it. */
export type ReadRisk = { readonly kind: "secret" | "unknown"; readonly because: string } | null;

/** What writing to a path changes, from nothing at all to a disk. */
export type WriteKind = "nothing" | "file" | "device" | "system" | "startup" | "rights" | "log" | "network";

/** Folders of credentials, wherever in a path they stand. */
const SECRET_FOLDERS = new Set([
  ".ssh", ".aws", ".gnupg", ".kube", ".azure", ".docker", ".gcloud", "gcloud", ".oci", ".password-store", ".vault.d",
  ".secrets", "secrets", "credentials", ".credentials", "keychains", "keyrings", "serviceaccount", "wireguard", "openvpn",
  "system-connections", "ssh_keys", ".mozilla", "firefox", "google-chrome", "chromium", ".thunderbird", ".electrum",
  ".bitcoin", ".ethereum", "1password", "bitwarden", "gh", ".terraform.d", "private", ".databricks", ".snowsql",
]); // prettier-ignore
/** File names that hold credentials or keys. */
const SECRET_NAME =
  /^\.env(?:$|[._-])|\.env$|\.(?:pem|key|p12|pfx|pkcs12|jks|keystore|kdbx?|ppk|ovpn|keytab|tfstate|tfvars|jwk|jwt|agekey|der)(?:$|[._~-])|^id_(?:rsa|dsa|ecdsa|ed25519|xmss)|^ssh_host_|^[._]?(?:netrc|pgpass|my\.cnf|mylogin\.cnf|npmrc|pypirc|s3cfg|boto|dockercfg|terraformrc|yarnrc|htpasswd|git-credentials|vault-token|rclone\.conf|k5login|krb5cc.*)|secret|credential|passwd|password|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|kubeconfig|keychain|(?:^|[^a-z])(?:tokens?|g?shadow-?|sudoers|pwd\.db|spwd\.db|cookies|logins)(?:[^a-z]|$)|_history$|\.history$|^history$|^login data|^key[34]\.db$|^wallet\.|^wp-config|^\.?rclone\.|^master\.passwd|^(?:service[_-]?account|firebase-adminsdk)/;
/** Names that a wildcard is tried against. */
const SECRET_SAMPLES: readonly string[] = [
  ".env", ".netrc", ".npmrc", ".pypirc", ".pgpass", ".git-credentials", ".vault-token", ".bash_history", ".my.cnf",
  "id_rsa", "id_ed25519", "shadow", "gshadow", "sudoers", "credentials", "kubeconfig", "server.pem", "server.key",
  "secrets.yml", "passwords", ".htpasswd", "terraform.tfstate", "krb5.keytab", "login.keychain", ".ssh", ".aws", ".gnupg",
  ".kube", ".docker", ".azure", "secrets", "environ", "ssh_host_rsa_key",
]; // prettier-ignore
/** Dot files in a home that carry settings and, by custom, no credentials. */
const PLAIN_DOT = new Set([
  ".bashrc", ".bash_profile", ".bash_aliases", ".bash_logout", ".profile", ".zshrc", ".zprofile", ".inputrc", ".vimrc",
  ".gitconfig", ".gitignore", ".gitattributes", ".tmux.conf", ".screenrc", ".editorconfig", ".nanorc", ".cache", ".vim",
]); // prettier-ignore
/** What of /proc and /sys is counted and not content of processes. */
const PLAIN_PROC =
  /^\/proc\/(?:cpuinfo|meminfo|version|modules|mounts|loadavg|uptime|stat|vmstat|filesystems|partitions|swaps|diskstats|interrupts|devices|crypto|misc|net\/[a-z0-9_]+|sys\/[a-z0-9_/.-]+|(?:self|\d+)\/(?:status|stat|mounts|limits|comm|cgroup|net\/[a-z0-9_]+))$/;
/** Character devices that hold nothing. */
const EMPTY_DEVICES = /^\/dev\/(?:null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd\/\d{1,3}|pts\/\d{1,4})$/;
/** Folders so wide that reading everything below them meets credentials. */
const WIDE =
  /^(?:\/|~[^/]*|\/(?:root|home|users|etc|var|proc|sys|dev|run|boot|mnt|media|private|library|lib|srv|data|var\/lib|var\/run|private\/etc|private\/var|var\/spool|var\/backups|var\/mail)|\/(?:home|users)\/[^/]+|\.\.(?:\/\.\.)*)$/;

const WILD = /[*?[]/;

/** Joins, and takes out `//`, `/./` and `x/..`, as the kernel would without links. `~` stands for the caller's home. */
export function normalPath(path: string, folder = ""): string {
  const whole = path.startsWith("/") || path.startsWith("~") || folder === "" ? path : `${folder}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "" || part === ".") continue;
    const last = parts.at(-1);
    if (part !== "..") parts.push(part);
    else if (last !== undefined && last !== ".." && !last.startsWith("~")) parts.pop();
    else if (!whole.startsWith("/")) parts.push("..");
  }
  const joined = parts.join("/");
  return whole.startsWith("/") ? `/${joined}` : joined === "" ? "." : joined;
}

/** What reading a path, or all that a pattern matches, may reveal. File systems may fold case, so that this does. */
export function readRisk(written: string, folder: string, isPattern: boolean): ReadRisk {
  // The kernel's own links back to the root of the tree.
  const path = normalPath(written, folder)
    .toLowerCase()
    .replace(/^\/proc\/(?:self|thread-self|\d+)\/(?:root|cwd)(?=\/|$)/, "")
    .replace(/^\/system\/volumes\/data(?=\/)/, "");
  const parts = path.split("/").filter((part) => part !== "");
  const base = parts.at(-1) ?? "";
  if (path === "/etc/passwd" || EMPTY_DEVICES.test(path) || base === ".") return null;
  const secret = parts.find((part, place) => SECRET_FOLDERS.has(part) && (place < parts.length - 1 || part !== "gh"));
  if (secret !== undefined || SECRET_NAME.test(base))
    return { kind: "secret", because: "a place where credentials are kept" };
  if (isPattern && WILD.test(path)) return wildRisk(path, parts);
  if (path.startsWith("/dev/")) return { kind: "unknown", because: "a device" };
  if (/^\/(?:proc|sys)(?:\/|$)/.test(path) && path.startsWith("/proc") && !PLAIN_PROC.test(path)) {
    return { kind: "secret", because: "the memory or environment of processes" };
  }
  return hiddenRisk(path, parts);
}

/** Dot files of somebody's home: settings of programs, which often hold tokens. */
function hiddenRisk(path: string, parts: readonly string[]): ReadRisk {
  const home = path.startsWith("~") ? 1 : /^\/root(?=\/)/.test(path) ? 1 : /^\/(?:home|users)\//.test(path) ? 2 : -1;
  const first = home < 0 ? undefined : parts[home];
  if (first === undefined || !first.startsWith(".") || PLAIN_DOT.has(first)) return null;
  return { kind: "unknown", because: "settings of a program, which may hold credentials" };
}

function wildRisk(path: string, parts: readonly string[]): ReadRisk {
  const wide = { kind: "secret", because: "a pattern that matches places where credentials are kept" } as const;
  for (const [place, part] of parts.entries()) {
    if (!WILD.test(part)) continue;
    const only = /^[*?]+$/.test(part);
    const folder = path.startsWith("/") ? `/${parts.slice(0, place).join("/")}` : parts.slice(0, place).join("/");
    if (only && (isWide(folder) || folder.startsWith("/proc") || folder.startsWith("/dev"))) return wide;
    if (!only && SECRET_SAMPLES.some((sample) => matches(part, sample))) return wide;
  }
  if (/^\/(?:proc|dev)(?:\/|$)/.test(path)) return wide;
  return hiddenRisk(path, parts);
}

/** Whether reading all below a folder meets credentials. The working folder is the agent's own and does not count. */
export function isWide(written: string): boolean {
  const path = normalPath(written).toLowerCase();
  return written !== "" && (WIDE.test(path) || /^\/proc\/|^\/sys\//.test(path));
}

/** Whether a shell pattern matches a name; a `[` matches anything, so that the answer errs towards yes. Linear in time. */
export function matches(pattern: string, name: string): boolean {
  const loose = pattern.replace(/\[[^\]]*\]?/g, "?");
  // One row of the table of prefixes, which no pattern can make slow.
  let row: boolean[] = [true, ...Array.from(name, () => false)];
  for (const char of loose.slice(0, 256)) {
    const next: boolean[] = [char === "*" && row[0] === true];
    for (let at = 1; at <= name.length; at += 1) {
      if (char === "*") next.push(row[at] === true || next[at - 1] === true);
      else next.push(row[at - 1] === true && (char === "?" || char === name.charAt(at - 1)));
    }
    row = next;
  }
  return row.at(-1) === true;
}

const STARTUP =
  /^(?:\/etc\/(?:cron[^/]*|init\.d|rc[^/]*|profile[^/]*|systemd|bash\.bashrc|bashrc|zsh[^/]*|environment|ld\.so[^/]*|inittab|anacrontab|at\.[^/]+|xdg\/autostart|update-motd\.d|udev|modules[^/]*|emond\.d|periodic)(?:\/|$)|\/var\/spool\/(?:cron|at)|\/library\/(?:launch|startup)|\/(?:usr\/)?lib\/systemd\/)|^~[^/]*\/(?:\.(?:bash|zsh|profile|login|logout|kshrc|cshrc|tcshrc|vimrc|gitconfig|inputrc|xinitrc|xprofile|xsession|pam_environment|envrc|npmrc|psqlrc|config\/(?:systemd|autostart|fish|git|environment\.d))|library\/launchagents)|(?:^|\/)\.git\/(?:hooks|config)|(?:^|\/)\.(?:husky|githooks|vscode|envrc|claude|cursor)(?:\/|$)|(?:^|\/)(?:sitecustomize|usercustomize)\.py$/;
const RIGHTS =
  /^\/etc\/(?:sudoers|passwd|shadow|group|gshadow|pam[^/]*|ssh|security|polkit-1|doas\.conf|subuid|subgid|krb5|nsswitch|hosts|resolv\.conf|selinux|apparmor)|(?:^|\/)\.ssh(?:\/|$)|(?:^|\/)authorized_keys|(?:^|\/)\.(?:aws|kube|gnupg|docker)(?:\/|$)/;
const LOG =
  /^\/var\/(?:log|account|adm|run\/utmp)(?:\/|$)|_history$|(?:^|\/)(?:wtmp|utmp|btmp|lastlog)$|^\/etc\/(?:audit|rsyslog|syslog|logrotate)/;
const SYSTEM = /^\/(?:bin|sbin|lib\w*|usr|boot|etc|sys|proc|system|library|private\/etc|root|opt|var\/lib|run)(?:\/|$)/;

/** What writing to a path changes. */
export function writeKind(written: string, folder = ""): WriteKind {
  const path = normalPath(written, folder).toLowerCase();
  if (/^\/dev\/(?:null|tty|stdout|stderr|fd\/\d{1,3}|pts\/\d{1,4})$/.test(path)) return "nothing";
  if (/^\/dev\/(?:tcp|udp)\//.test(path)) return "network";
  if (path.startsWith("/dev/") && !path.startsWith("/dev/shm/")) return "device";
  const home = path.replace(/^\/(?:home|users)\/[^/]+|^\/root(?=\/|$)/, "~");
  if (STARTUP.test(home) || STARTUP.test(path)) return "startup";
  if (RIGHTS.test(path)) return "rights";
  if (LOG.test(path)) return "log";
  return SYSTEM.test(path) ? "system" : "file";
}
