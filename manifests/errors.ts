/** Every failure the host reports on purpose: HTTP status, sentence, and what to do about it. */
export const errors = {
  MODULE_INVALID: {
    status: 422,
    message: "Cannot load the module: {reason}",
    hint: "Build the plugin again with a released toolchain, then run `convergio plugin install` again",
  },
  MODULE_TOO_LARGE: {
    status: 413,
    message: "Cannot load the module: {what} is {actual}, at most {limit} is allowed",
    hint: "Build with size optimisation, or split the plugin in two",
  },
  MODULE_FEATURE_REFUSED: {
    status: 422,
    message: "Cannot load the module: it uses {feature}, which this host cannot bound",
    hint: "Build without {feature}",
  },
  IMPORT_REFUSED: {
    status: 422,
    message:
      "Cannot load the module: it imports {module}.{name}, which no declared capability provides",
    hint: "Declare the capability under `uses` in manifest.json, or remove the import",
  },
  PREPARE_TIMEOUT: {
    status: 422,
    message: "Cannot load the module: checking and compiling it took more than {limitMs} ms",
    hint: "Make the module smaller or its functions shorter",
  },
  NAME_INVALID: {
    status: 400,
    message: "Cannot use {found} as {what}: it must be {expected}",
    hint: "Write it like {example}",
  },
  NAME_RESERVED: {
    status: 422,
    message: "Cannot use {name} as the id of a plugin: {reserved} is reserved",
    hint: "Choose another id in manifest.json, for example my-team/my-tool",
  },
  JSON_INVALID: {
    status: 400,
    message: "Cannot read {what} as JSON: {reason}",
    hint: "Send one JSON value in UTF-8, with no key twice in an object",
  },
  MANIFEST_INVALID: {
    status: 422,
    message: "Cannot accept {file}: {path} {problem}",
    hint: "Correct {file}; its form is in manifests/examples",
  },
  GRANTS_INVALID: {
    status: 400,
    message: "Cannot accept the grants: {path} {problem}",
    hint: "Run `convergio plugin grants ID` to see grants in the right form",
  },
  GRANTS_CHANGED: {
    status: 409,
    message: "Cannot change the grants of {plugin}: they are not those any more that were seen",
    hint: "Read them again with `convergio plugin grants {plugin}`, then change them",
  },
  GRANTS_REACH: {
    status: 409,
    message: "Cannot widen the grants of {plugin}: {callers} would gain by it, through its tools",
    hint: "Name them in `callers`, give the grant `via: direct`, or run the command with --yes",
  },
  SCOPES_INVALID: {
    status: 400,
    message: "Cannot use {found} as the scopes of a key: {reason}",
    hint: "Give for example `invoke:acme/weather` or `read`",
  },
  SETTINGS_INVALID: {
    status: 400,
    message: "Cannot accept the setting {key} from {origin}: {problem}",
    hint: "Run `convergio config check` after correcting it",
  },
  LIMIT_ABOVE_CEILING: {
    status: 422,
    message: "Cannot accept manifest.json: limits.{limit} is {asked}, at most {ceiling} is allowed",
    hint: "Ask for less in manifest.json, or raise the setting ceilings.{limit} of the host",
  },
  SCHEMA_REFUSED: {
    status: 422,
    message: "Cannot accept a schema: {path} {reason}",
    hint: "Use the part of JSON Schema 2020-12 that hosts admit",
  },
  REQUEST_INVALID: {
    status: 400,
    message: "Cannot accept the {part} of the request: {path} {problem}",
    hint: "Compare it with the form in /openapi.json",
  },
  REQUEST_MALFORMED: {
    status: 400,
    message: "Cannot read the request: {reason}",
    hint: "Send the request as HTTP/1.1 and its path percent-encoded",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: "Cannot read the request: it did not arrive whole in time",
    hint: "Send the request again over a faster connection",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: "Cannot read the request: its headers are more than {limit}",
    hint: "Send fewer or shorter headers",
  },
  BODY_TOO_LARGE: {
    status: 413,
    message: "Cannot read the request: its body is larger than {limitBytes} bytes",
    hint: "Send less at once, or raise the setting server.body or server.upload of the host",
  },
  CONTENT_TYPE_REFUSED: {
    status: 415,
    message: "Cannot read the request: its content type is {found}, it must be {expected}",
    hint: "Set the header content-type to {expected}",
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    message: "Cannot find {method} {path}: the host has no such route",
    hint: "Look for the route in /openapi.json",
  },
  HOST_REFUSED: {
    status: 421,
    message: "Cannot answer for the host {found}: it is not a name of this host",
    hint: "Use the address the host listens on, or add the name to its setting server.allowedHosts",
  },
  ADDRESS_REFUSED: {
    status: 403,
    message: "Cannot answer the request: its address may not ask",
    hint: "Ask the operator to add the address to the host's setting server.allowedAddresses",
  },
  ORIGIN_REFUSED: {
    status: 403,
    message: "Cannot answer the web page {found}: its origin is not allowed",
    hint: "Call from a program, or add the origin to the host's setting server.allowedOrigins",
  },
  KEY_MISSING: {
    status: 401,
    message: "Cannot answer the request: it carries no key",
    hint: "Send the header `authorization: Bearer KEY`; make a key with `convergio key create`",
  },
  RATE_LIMITED: {
    status: 429,
    message: "Cannot answer the request: {who} made more than {limit} requests a minute",
    hint: "Send the request again after {retryAfterSeconds} s",
  },
  PATH_NOT_OWNER: {
    status: 403,
    message: "Cannot install from a path: only the owner of the home names paths of its machine",
    hint: "Run `convergio plugin install PATH` on the machine of the host, or upload the package",
  },
  UPLOAD_NOT_LOCAL: {
    status: 403,
    message: "Cannot accept the upload: this host listens beyond its own machine",
    hint: "Run `convergio plugin install PATH` on the machine of the host",
  },
  UPLOAD_INVALID: {
    status: 400,
    message: "Cannot accept the upload: {reason}",
    hint: "Upload a .tgz with a manifest.json in it, or a module with `?id=NAME`",
  },
  BIND_NEEDS_TLS: {
    status: 500,
    message: "Cannot listen on {address}: beyond this machine keys would travel in the open",
    hint: "Give `--tls-cert` and `--tls-key`, or `--behind-proxy CIDR` when a proxy ends TLS",
  },
  PORT_TAKEN: {
    status: 500,
    message: "Cannot listen on port {port}: it is taken by {holder}",
    hint: "Stop {holder}, or choose another port with `--port`",
  },
  BIND_FAILED: {
    status: 500,
    message: "Cannot listen on {address}: {reason}",
    hint: "Choose another address with `--host` and `--port`",
  },
  SOCKET_TAKEN: {
    status: 500,
    message: "Cannot listen on the home's socket: another host answers there",
    hint: "Stop the other host of this home first",
  },
  TLS_INVALID: {
    status: 500,
    message: "Cannot use the TLS certificate and key: {reason}",
    hint: "Give a certificate chain and its private key in PEM with `--tls-cert` and `--tls-key`",
  },
  USAGE_INVALID: {
    status: 400,
    message: "Cannot use {argument}: {problem}",
    hint: "Run the command with --help to see an example",
  },
  CONSENT_NEEDED: {
    status: 403,
    message: "Cannot install {plugin}: somebody must say yes to what it asks",
    hint: "Read what is asked, then run `{command}`",
  },
  CONSENT_DECLINED: {
    status: 403,
    message: "Cannot install {plugin}: you said no",
    hint: "Run the command again to be asked again",
  },
  HOST_UNREACHABLE: {
    status: 503,
    message: "Cannot reach {where}: {reason}",
    hint: "Start the host with `convergio serve`, or check the address",
  },
  ANSWER_INVALID: {
    status: 502,
    message: "Cannot read the answer of {where}: {reason}",
    hint: "Check that the address is that of a convergio host of this version",
  },
  UNHEALTHY: {
    status: 503,
    message: "Cannot vouch for this host: {names} failed",
    hint: "Do what the hints above say, then run `convergio doctor` again",
  },
  DRILL_BROKEN: {
    status: 409,
    message: "Cannot vouch for this host: these attacks went through: {names}",
    hint: "Run no plugin that you do not trust until this is mended; --json has every detail",
  },
  FILE_UNUSABLE: {
    status: 400,
    message: "Cannot use {file}: {problem}",
    hint: "Correct the file or name another one",
  },
  INPUT_INVALID: {
    status: 400,
    message: "Cannot call {tool}: input {path} must be {expected}, found {found}",
    hint: "Compare the input with the schema that `convergio plugin info` shows",
  },
  OUTPUT_INVALID: {
    status: 502,
    message: "Cannot use the answer of {tool}: output {path} must be {expected}, found {found}",
    hint: "Tell the plugin's author: its answer does not fit its own manifest",
  },
  OUTPUT_TOO_LARGE: {
    status: 502,
    message: "Cannot use the answer of {plugin}: it is larger than {limit} bytes",
    hint: "Ask for less at once, or raise limits.output of the plugin",
  },
  INPUT_TOO_LARGE: {
    status: 413,
    message: "Cannot call {plugin}: the input is larger than {limit} bytes",
    hint: "Send less at once, or raise limits.input of the plugin",
  },
  SCHEMA_TOO_COSTLY: {
    status: 422,
    message: "Cannot check the {what} of {tool}: its schema takes too many steps for this value",
    hint: "Send a smaller value, or tell the plugin's author to simplify the schema",
  },
  PLUGIN_ERROR: {
    status: 502,
    message: "Cannot finish {plugin}: it answered with an error: {message}",
    hint: "Read what it logged with `convergio plugin logs {plugin}`",
  },
  PLUGIN_TRAPPED: {
    status: 502,
    message: "Cannot finish {plugin}: its code crashed: {message}",
    hint: "Read what it logged with `convergio plugin logs {plugin}`",
  },
  INIT_FAILED: {
    status: 502,
    message: "Cannot start {plugin}: its initialisation failed: {message}",
    hint: "Tell the plugin's author; `convergio plugin logs {plugin}` has what it logged",
  },
  FUEL_EXHAUSTED: {
    status: 502,
    message: "Cannot finish {plugin}: it used up the fuel of the call",
    hint: "Give it less to do, or raise limits.fuel of the plugin",
  },
  DEADLINE_EXCEEDED: {
    status: 504,
    message: "Cannot finish {plugin}: it ran past its {limitMs} ms",
    hint: "Give it less to do, or raise limits.timeout of the plugin",
  },
  MEMORY_EXHAUSTED: {
    status: 502,
    message: "Cannot finish {plugin}: it used up its memory",
    hint: "Give it less to do, or raise limits.memory of the plugin",
  },
  HOST_CALLS_EXHAUSTED: {
    status: 502,
    message: "Cannot finish {plugin}: it made too many host calls",
    hint: "Give it less to do at once",
  },
  VARS_FULL: {
    status: 502,
    message: "Cannot finish {plugin}: its variables are full",
    hint: "Tell the plugin's author: 1 MiB of variables an instance is the most",
  },
  GUEST_POINTER_INVALID: {
    status: 502,
    message: "Cannot finish {plugin}: it gave the host a handle that is none",
    hint: "Tell the plugin's author",
  },
  CALL_CANCELLED: {
    status: 499,
    message: "Cannot finish {plugin}: the call was cancelled",
    hint: "Call again",
  },
  HOST_REQUEST_INVALID: {
    status: 400,
    message: "Cannot answer the host call: {path} {problem}",
    hint: "Compare the request with the plugin kit's documentation",
  },
  CAPABILITY_UNKNOWN: {
    status: 422,
    message:
      "Cannot install the plugin: it asks for {capability}, which this host does not provide",
    hint: "Install it on a host that provides {capability}",
  },
  CAPABILITY_DENIED: {
    status: 403,
    message: "Cannot {verb}: nothing that was granted to {plugin} covers it",
    hint: "Ask the operator of this host",
  },
  RUNNER_DIED: {
    status: 502,
    message: "Cannot finish {plugin}: the process that ran it ended",
    hint: "Call again; after three such ends the plugin is put in quarantine",
  },
  KEY_UNKNOWN: {
    status: 401,
    message: "Cannot accept the request: its key is not one that this host issued",
    hint: "Make one with `convergio key create`",
  },
  KEY_EXPIRED: {
    status: 401,
    message: "Cannot accept the request: its key has expired or was revoked",
    hint: "Make a new one with `convergio key create`, or `convergio key rotate` in time",
  },
  SCOPE_MISSING: {
    status: 403,
    message: "Cannot accept the request: its key does not hold the scope {scope}",
    hint: "Make a key that does with `convergio key create --scope {scope}`",
  },
  KEY_ABOVE_MAKER: {
    status: 403,
    message: "Cannot make the key: it would hold more than the key that makes it",
    hint: "Leave out the scopes that the making key does not hold",
  },
  KEY_NOT_FOUND: {
    status: 404,
    message: "Cannot find the key {key}",
    hint: "List the keys with `convergio key list`",
  },
  PLUGIN_NOT_FOUND: {
    status: 404,
    message: "Cannot find the plugin {plugin}: it is not installed",
    hint: "List the plugins with `convergio plugin list`",
  },
  ASSET_NOT_FOUND: {
    status: 404,
    message: "Cannot give {path} of {plugin}: its package has no such file in assets",
    hint: "See what the folder assets of the package holds",
  },
  DIGEST_DIFFERS: {
    status: 409,
    message: "Cannot install {plugin}: its package is {digest}, and {expected} was wanted",
    hint: "Look at what has changed; then write its digest where the other one stands",
  },
  DESIRED_INVALID: {
    status: 400,
    message: "Cannot read {file}: {path} {problem}",
    hint: "See how such a file looks with `convergio export`",
  },
  DESIRED_UNMET: {
    status: 409,
    message:
      "Cannot say that the host is as {file} says: {count} steps and {problems} problems are open",
    hint: "Run `convergio apply FILE` without --check, and see to what it cannot do itself",
  },
  NOTHING_TO_CALL: {
    status: 400,
    message:
      "Cannot learn what {plugin} needs: no call was named, and its package ships no samples",
    hint: "Name one: convergio plugin learn FOLDER TOOL INPUT",
  },
  VERSION_NOT_FOUND: {
    status: 404,
    message: "Cannot find {plugin}@{version}: that version is not installed",
    hint: "See the versions with `convergio plugin info {plugin}`",
  },
  PLUGIN_INACTIVE: {
    status: 409,
    message: "Cannot call {plugin}: it is {state}",
    hint: "Put it to work again with `convergio plugin {command} {plugin}`",
  },
  TOOL_NOT_FOUND: {
    status: 404,
    message: "Cannot find the tool {tool} of {plugin}: it has {tools}",
    hint: "See the tools with `convergio plugin info {plugin}`",
  },
  CALL_NOT_FOUND: {
    status: 404,
    message: "Cannot find the call {call}: it is not running",
    hint: "List the running calls with `convergio calls`",
  },
  CALL_UNRECORDED: {
    status: 404,
    message: "Cannot explain the call {call}: there is no record of one that is over",
    hint: "Find it with `convergio audit --kind call`; `convergio calls` has those that run",
  },
  CALLER_BUSY: {
    status: 429,
    message: "Cannot take the call: {limit} calls of this caller run or wait already",
    hint: "Wait for the seconds in Retry-After, and send fewer at once",
  },
  CALLER_FUEL: {
    status: 429,
    message: "Cannot take the call: this caller has burnt its fuel for this second",
    hint: "Wait for the seconds in Retry-After",
  },
  DEPTH_EXCEEDED: {
    status: 508,
    message: "Cannot call {plugin}: plugins already call each other {depth} deep",
    hint: "Tell the plugin's author: a chain of calls is at most {depth} long",
  },
  SIGNER_CHANGED: {
    status: 403,
    message: "Cannot call {plugin}: it is no longer the plugin that was granted",
    hint: "Ask the operator to grant it again",
  },
  CONFIG_INVALID: {
    status: 400,
    message: "Cannot set the configuration of {plugin}: {path} {problem}",
    hint: "See what it takes with `convergio plugin config get {plugin}`",
  },
  CONFIG_REFUSED: {
    status: 409,
    message: "Cannot set the configuration of {plugin}: the plugin refused it: {message}",
    hint: "The former configuration is still in force",
  },
  CONSENT_NOT_FOUND: {
    status: 404,
    message:
      "Cannot find the consent {consent}: it was answered, has waited too long, or is for something else",
    hint: "See what waits with `convergio requests`, or install the plugin again",
  },
  CONSENT_OUTDATED: {
    status: 409,
    message:
      "Cannot install {plugin}: what is asked or granted is not what it was when it was shown",
    hint: "Run the command again to see what is asked now",
  },
  REQUEST_NOT_FOUND: {
    status: 404,
    message: "Cannot find the request {request}: it was answered, or has waited too long",
    hint: "See what waits with `convergio requests`",
  },
  REQUESTS_FULL: {
    status: 503,
    message: "Cannot keep the request: {limit} wait for consent already",
    hint: "Answer some of them with `convergio requests`",
  },
  INSTALLS_BUSY: {
    status: 503,
    message: "Cannot begin the install: {limit} installs run already",
    hint: "Wait for the seconds in Retry-After, then send it again",
  },
  UNSIGNED_REFUSED: {
    status: 403,
    message: "Cannot install {plugin}: it is unsigned, and this host takes no unsigned plugins",
    hint: "Set trust.unsigned to local in convergio.json and install it at the host's own terminal",
  },
  HOST_VERSION_REFUSED: {
    status: 422,
    message: "Cannot install {plugin}: it needs a host {range}, this one is {version}",
    hint: "Install another version of the plugin, or update the host",
  },
  EXPORT_MISSING: {
    status: 422,
    message: "Cannot install {plugin}: its module does not export the function {name}",
    hint: "Name an exported function without parameters in manifest.json",
  },
  HOOK_FAILED: {
    status: 422,
    message: "Cannot activate {plugin}: its hook {hook} failed: {message}",
    hint: "What was active before is still active",
  },
  BACKUP_INVALID: {
    status: 422,
    message: "Cannot restore the backup: {reason}",
    hint: "Nothing was changed; use another backup",
  },
  RESTORE_DECLINED: {
    status: 403,
    message: "Cannot restore the backup: you said no",
    hint: "Nothing was changed",
  },
  OWNER_ONLY: {
    status: 403,
    message: "Cannot {act}: only the owner of the home does that",
    hint: "Run the command on the machine of the host, without --url",
  },
  DOWNGRADE_REFUSED: {
    status: 409,
    message: "Cannot activate {plugin} {version}: {highest} has answered before",
    hint: "Run `convergio plugin rollback {plugin}`, or install it with `--downgrade`",
  },
  ROLLBACK_IMPOSSIBLE: {
    status: 409,
    message: "Cannot go back with {plugin}: {reason}",
    hint: "Run `convergio plugin versions {plugin}` to see what there is to go back to",
  },
  STORE_FULL: {
    status: 507,
    message: "Cannot keep {plugin}: the store would hold {used}, at most {quota} are allowed",
    hint: "Run `convergio gc`, remove a plugin, or raise the setting store.quota",
  },
  SAMPLE_FAILED: {
    status: 422,
    message: "Cannot activate {plugin}: its sample call {sample} of {tool} differs: {difference}",
    hint: "What was active before is still active; tell the author, or correct the sample",
  },
  CALLER_QUEUE_FULL: {
    status: 429,
    message: "Cannot queue the call of {plugin}: {limit} calls of this caller wait already",
    hint: "Wait for the seconds in Retry-After, and send fewer at once",
  },
  QUEUE_FULL: {
    status: 503,
    message: "Cannot queue the call of {plugin}: the host is full",
    hint: "Wait for the seconds in Retry-After",
  },
  QUEUE_TIMEOUT: {
    status: 503,
    message: "Cannot start the call of {plugin}: it waited longer than {limitMs} ms",
    hint: "Wait for the seconds in Retry-After",
  },
  HOST_STOPPING: {
    status: 503,
    message: "Cannot take the call: the host is stopping",
    hint: "Call again when it is back",
  },
  NOT_IN_A_CALL: {
    status: 502,
    message: "Cannot use a host function: the plugin is being initialised",
    hint: "Move the host function from the initialiser into a tool",
  },
  HOME_IN_USE: {
    status: 503,
    message: "Cannot open the home: the process {pid} has it open",
    hint: "Stop the process {pid}, or give the command to the running host",
  },
  WALLS_MISSING: {
    status: 500,
    message: "Cannot start: security.requireWalls asks for {walls}, which cannot be had ({reason})",
    hint: "Install bubblewrap where user namespaces are allowed, or shorten the setting; see `convergio doctor`",
  },
  HOME_UNUSABLE: {
    status: 500,
    message: "Cannot use the home: {reason}",
    hint: "Name a folder of your own with CONVERGIO_HOME",
  },
  SCHEMA_NEWER: {
    status: 500,
    message: "Cannot open the database: convergio {version} wrote it, this version is older",
    hint: "Use convergio {version} or a newer one",
  },
  STORE_DAMAGED: {
    status: 500,
    message: "Cannot read the database: {reason}",
    hint: "Stop the host and put a copy from `backups` of the home in the place of convergio.db",
  },
  STORAGE_FULL: {
    status: 503,
    message: "Cannot write to the store: the disk is full",
    hint: "Make room on the disk of the home, for example with `convergio audit prune`; when health says that the audit or the database does not write, start the host again",
  },
  AUDIT_BROKEN: {
    status: 409,
    message: "Cannot vouch for the audit, broken at record {record}: {why}",
    hint: "Find out who could write to the home; compare with a copy that `convergio audit export` made",
  },
  EVENT_UNDELIVERED: {
    status: 502,
    message: "Cannot deliver {event}: {reason}",
    hint: "Correct events.url, events.command or audit.heads; `convergio events` shows what was told",
  },
  AUDIT_FAILED: {
    status: 503,
    message: "Cannot do anything that must be audited: the audit cannot be written",
    hint: "Look for the cause in the host's log, then start the host again",
  },
  KV_FULL: {
    status: 409,
    message: "Cannot keep the value: {plugin} may keep {limitBytes} bytes of keys and values",
    hint: "Delete keys, or ask for a larger quota in manifest.json and install it again",
  },
  FILES_UNSUPPORTED: {
    status: 501,
    message: "Cannot open folders for plugins on this machine: {reason}",
    hint: "Run the host on Linux with /proc, or on macOS",
  },
  FILES_FULL: {
    status: 409,
    message: "Cannot write to the folder {folder}: it may hold {limit}",
    hint: "Delete files in it, or grant a larger quota with `convergio plugin grants`",
  },
  FILES_FAILED: {
    status: 503,
    message: "Cannot use the folder {folder}: the file system answered {reason}",
    hint: "Look at the disk that holds the folder, then call again",
  },
  FOLDER_REFUSED: {
    status: 400,
    message: "Cannot grant the folder {folder}: {reason}",
    hint: "Choose another folder, or leave it out so that the plugin has one of its own",
  },
  FOLDER_UNUSABLE: {
    status: 503,
    message: "Cannot use the folder {folder}: {reason}",
    hint: "Look at the folder that was granted, then grant it again with `convergio plugin grants`",
  },
  FOLDER_NOT_EMPTY: {
    status: 409,
    message: "Cannot remove the path in {folder}: it is a folder with something in it",
    hint: "Remove what is in it first",
  },
  PATH_REFUSED: {
    status: 400,
    message: "Cannot use the path in {folder}: it {problem}",
    hint: "Name a file or a folder by its path from the folder that was granted",
  },
  PATH_NOT_FOUND: {
    status: 404,
    message: "Cannot find the path in {folder}: nothing of that name is there",
    hint: "List the folder to see what it holds",
  },
  PATH_EXISTS: {
    status: 409,
    message: "Cannot make the path in {folder}: something of that name is there",
    hint: "Choose another name, or write with the mode replace",
  },
  PATH_NOT_FILE: {
    status: 409,
    message: "Cannot use the path in {folder} as a file: it is a folder",
    hint: "Name a file",
  },
  PATH_NOT_FOLDER: {
    status: 409,
    message: "Cannot use the path in {folder} as a folder: it is a file",
    hint: "Name a folder",
  },
  PATH_CHANGED: {
    status: 409,
    message: "Cannot go on with the file in {folder}: another one has its name by now",
    hint: "Open the file again",
  },
  MODULE_ALTERED: {
    status: 500,
    message: "Cannot use {what} of the store: its bytes are not those of {digest}",
    hint: "Install the plugin again; look for who can write to the home",
  },
  PACKAGE_INVALID: {
    status: 422,
    message: "Cannot accept the package: {reason}",
    hint: "Make it anew from a folder with a manifest.json, or install that folder",
  },
  PACKAGE_TOO_LARGE: {
    status: 413,
    message: "Cannot accept the package: {what} more than {limit}",
    hint: "Leave out what the plugin does not need, or split it in two",
  },
  SECRET_NOT_FOUND: {
    status: 404,
    message: "Cannot find the secret {secret}: nobody has set it",
    hint: "Run `convergio secret list` to see their names",
  },
  SECRET_INVALID: {
    status: 400,
    message: "Cannot keep the secret: {part} {problem}",
    hint: "Run `convergio secret set --help` to see an example",
  },
  SECRET_WEAK: {
    status: 422,
    message: "Cannot keep the secret: {problem}, so it could not be told from ordinary text",
    hint: "Use a longer random value, or add --force to go without that net",
  },
  SECRET_MISSING: {
    status: 409,
    message:
      "Cannot use the secret {secret}: none of the operator's that reaches there stands for it",
    hint: "Ask the operator of this host",
  },
  INJECTION_REFUSED: {
    status: 422,
    message: "Cannot put the secret {secret} into the request: {problem}",
    hint: "Compare the value and the request with `uses.secrets` in manifest.json",
  },
  VAULT_LOCKED: {
    status: 503,
    message: "Cannot open the vault: {reason}",
    hint: "Run `convergio vault check` to see why; everything else goes on",
  },
  VAULT_KEY_REFUSED: {
    status: 500,
    message: "Cannot use the key of the vault: {reason}",
    hint: "Run `chmod 600` on the key file, or name another place with the setting vault.key",
  },
  VAULT_DAMAGED: {
    status: 500,
    message: "Cannot open the secret {secret}: it is not what was sealed under this name",
    hint: "Set it again with `convergio secret set`; look for who can write to the home",
  },
  NETWORK_FAILED: {
    status: 502,
    message: "Cannot get an answer of {host}: {reason}",
    hint: "Look whether the server can be reached from the machine of this host",
  },
  NETWORK_TIMEOUT: {
    status: 504,
    message: "Cannot get an answer of {host}: its {what} did not come within {limitMs} ms",
    hint: "Ask again, or raise the time in the settings network.headers and network.idle of the host",
  },
  NETWORK_ANSWER_REFUSED: {
    status: 502,
    message: "Cannot use the answer of {host}: {reason}",
    hint: "Ask for less at once, or for a body in pieces with network_open",
  },
  NETWORK_BUDGET_EXHAUSTED: {
    status: 429,
    message: "Cannot send more: {plugin} has spent its {what} of this {period}",
    hint: "Send less, or raise the budget with `convergio plugin grants {plugin}`",
  },
  HTTP_REQUEST_FAILED: {
    status: 502,
    message: "Cannot finish {plugin}: its request failed: {message}",
    hint: "Read what it logged with `convergio plugin logs {plugin}`",
  },
  INTERNAL: {
    status: 500,
    message: "Cannot finish the request: the host met a fault of its own",
    hint: "Look for the request id in the host's log",
  },
} as const satisfies Record<string, { status: number; message: string; hint: string }>;

/** The name of a failure, stable across releases. */
export type ErrorCode = keyof typeof errors;

/** The names between braces in a text, as a union. */
type Slots<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Slots<Rest>
  : never;

/** The facts that a failure must carry: exactly the slots that its texts name. */
export type Facts<Code extends ErrorCode> = Record<
  Slots<(typeof errors)[Code]["message"] | (typeof errors)[Code]["hint"]>,
  string | number
>;

/** The only error thrown on purpose; anything else that escapes is a bug of the host. */
export class HostError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "HostError";
  readonly code: Code;
  readonly status: number;
  readonly hint: string;
  readonly facts: Facts<Code>;

  constructor(code: Code, facts: Facts<Code>, options?: { cause?: unknown }) {
    super(fill(errors[code].message, facts), options);
    this.code = code;
    this.status = errors[code].status;
    this.hint = fill(errors[code].hint, facts);
    this.facts = facts;
  }
}

function fill(text: string, facts: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(facts[name]));
}
