/**
 * Commands that only read, with what their operands are and the flags that keep it so: `heads | operands | flags`.
 *
 * Operands: `text` is printed or compared; `names` are files of which only names and dates are shown; `read` are files
 * whose content is shown; `pattern` is one text, then files to show; `deep` the same with everything below folders;
 * `list` prints names of files; `none` is nothing. The notation of flags stands in grammar.ts.
 *
 * Written from the manuals of GNU coreutils, findutils, diffutils, procps-ng, util-linux, systemd, and their BSD forms.
 */
export const PLAIN_COMMANDS: readonly string[] = [
  // Text out of nothing.
  "true,false,:,yes,seq,factor,nproc,arch,logname,whoami,tty,groups,users,tput,clear,sleep,wait,break,continue,return,exit,logout,bg,fg,times,shift | text | *",
  "jobs | none | -lnprs",
  "expr,numfmt,id,uname,uptime,free,w,who,pgrep,pidof,pstree,lscpu,lsusb,lsmod,vm_stat,sw_vers,kextstat,locale,cal,ncal,last,lsb_release,mpstat,ipcs,getconf,system_profiler,ioreg,pathchk | text | *",
  "lspci | text | -vmknDbqt -s: -d:",
  "vmstat,iostat,pidstat | text | -abcdDfhiklmnNpPsStTuUvVwWxyYz -#",
  "lsof | text | -abCefghIklLMnNoOPqQRsStTuUvVwWxXz -i? -c: -d: -p: -#",
  "top | text | -bcHiSs -n: -d: -p: -u: -U: -w? -o: -l: -E: -#",
  "lsblk,findmnt,lslocks,lsns,lsmem | names | -abdDfiJlmnOpPrSstTvVAuUhckM -o: -e: -I: -x: --json --output: --all --bytes --fs --list --noheadings --paths --raw --tree",
  "df | names | *",
  "du | names | -0abcDhHklLmsSxP -d: -B: -t: --all --apparent-size --bytes --total --dereference-args --human-readable --summarize --max-depth: --exclude: --time? --null --one-file-system --block-size: --threshold: --separate-dirs --si --count-links",
  "ls,dir,vdir,stat,readlink,realpath,basename,dirname,mountpoint,namei,getfacl,lsattr | list | *",
  "tree | list | -adflxpsuhgDNQrtUcvSCnA -L: -P: -I: --noreport --dirsfirst --du --gitignore --prune --si --inodes --device --matchdirs --ignore-case",
  "exa,eza,lsd | list | -1aAbBdDfFgGhHiIlLmnRrsStTuUxX@ -L: --all --long --tree --git --color: --icons --sort: --level:",
  "pwd,dirs | list | -LPlpv",
  "which,whereis,whatis,apropos,type | text | -abBmMsSuflptPqr",
  "file | read | -bikhLNnprsv0 -F: -e: --brief --mime --mime-type --mime-encoding --dereference --no-dereference --keep-going --raw --print0",
  // Content of files.
  "head,tail | read | * -n: -c: -s: --lines: --bytes: --pid: --sleep-interval:",
  "cut,paste,fold | read | * -d: -f: -c: -b: -w: --delimiter: --fields: --characters: --delimiters: --width:",
  "od,hexdump,hd,strings | read | * -t: -N: -j: -A: -n: -e:",
  "join | read | * -1: -2: -t: -o: -j: -a: -e: -v:",
  "cat,tac,nl,wc,rev,fmt,expand,unexpand,comm,md5sum,sha1sum,sha224sum,sha256sum,sha384sum,sha512sum,b2sum,md5,shasum,cksum,sum,crc32,tsort,pr,base32,column,col,colrm,cmp,look,ul | read | *",
  "zcat,gzcat | read | ~ -cdfklnNqrtvV -S:",
  "bzcat,xzcat,lzcat,zstdcat | read | -fqv",
  "base64 | read | -dDi -w: -b: --decode --wrap: --ignore-garbage",
  "diff | read | ~ -abBcCdeEilnNpPqrstTuwyNZ -U: -C: -W: -x: -I: -F: -L: -# --brief --unified? --context? --side-by-side --color? --recursive --text --ignore-case --ignore-all-space --ignore-blank-lines --ignore-space-change --suppress-common-lines --width: --exclude: --label: --strip-trailing-cr --new-file --report-identical-files --minimal --left-column --no-dereference --old-line-format: --new-line-format: --unchanged-line-format: --line-format: --changed-group-format: --unchanged-group-format: --expand-tabs",
  "tr | text | -cCdst --complement --delete --squeeze-repeats --truncate-set1",
  "sort | read | -bdfgiMhnRrVcCmsuz -k: -t: -S: -# --key: --field-separator: --unique --numeric-sort --reverse --stable --human-numeric-sort --version-sort --general-numeric-sort --month-sort --ignore-case --ignore-leading-blanks --dictionary-order --zero-terminated --check? --merge --random-sort --parallel: --files0-from:read -o:write --output:write",
  "shuf | read | -erz -n: -i: -o:write --echo --head-count: --input-range: --repeat --zero-terminated --output:write",
  "bc | read | -hilqsvw --mathlib --quiet --standard --warn",
  "grep,egrep,fgrep,zgrep,zegrep,zfgrep,bzgrep,xzgrep | pattern | ~ -EFGPivwxycLlqsbHhnTZzaIrRUoJp -e: -f:read -m: -A: -B: -C: -d: -D: -# --extended-regexp --fixed-strings --basic-regexp --perl-regexp --regexp: --file:read --ignore-case --no-ignore-case --invert-match --word-regexp --line-regexp --count --color? --colour? --files-without-match --files-with-matches --max-count: --only-matching --quiet --silent --no-messages --byte-offset --with-filename --no-filename --label: --line-number --initial-tab --null --null-data --after-context: --before-context: --context: --text --binary-files: --directories: --devices: --exclude: --exclude-dir: --exclude-from: --include: --recursive --dereference-recursive --line-buffered --binary",
  "rg | pattern | -aciIlLnNoPqsSuvwxFUzHhp0 -e: -f:read -m: -A: -B: -C: -g: -t: -T: -d: -M: -r: -E: -j: --regexp: --file:read --files --files-with-matches --files-without-match --ignore-case --smart-case --case-sensitive --count --count-matches --line-number --no-line-number --no-heading --heading --column --color: --glob: --iglob: --type: --type-not: --type-list --max-count: --max-depth: --max-columns: --multiline --only-matching --fixed-strings --word-regexp --line-regexp --invert-match --pcre2 --after-context: --before-context: --context: --json --stats --sort: --sortr: --no-messages --quiet --text --with-filename --no-filename --replace: --null --trim --vimgrep --passthru --hidden --no-ignore --no-ignore-vcs --follow --max-filesize: --crlf --pretty --threads: --encoding:",
  "ag | pattern | -acilLnoQsSvwuUfhHr0 -A: -B: -C: -G: -m: --nocolor --color --hidden --ignore: --ignore-dir: --literal --files-with-matches --count --numbers --nogroup --group --depth:",
  "fd,fdfind | deeplist | -HIupaslgFi0L1q -d: -t: -e: -E: -S: -c: -o: --hidden --no-ignore --case-sensitive --ignore-case --glob --fixed-strings --absolute-path --follow --full-path --print0 --max-depth: --min-depth: --exact-depth: --exclude: --type: --extension: --size: --changed-within: --changed-before: --color: --max-results: --list-details --strip-cwd-prefix --prune",
  "locate,mlocate,plocate,slocate | locate | -AbceilLqrwHPSs0 -n: -l: --all --basename --count --existing --ignore-case --limit: --regexp: --regex --wholename --null --statistics",
  "jq | jq | -cCMrjaSesnRV --compact-output --raw-output --raw-input --slurp --sort-keys --null-input --exit-status --color-output --monochrome-output --join-output --tab --ascii-output --stream --seq -# --indent:",
  "less,zless,more,pg | pager | -SNRFXiIeEgGMmnqQsUwWrCc -#",
  "gzip,gunzip,bzip2,bunzip2,xz,unxz,zstd,unzstd,lzma | unpack | *",
  "unzip | archive | -lvZtpcqqT1 -x:",
  "zipinfo,lsar | read | -12smlvhtTzC",
  "xxd | first | -abBCEeipRruv -c: -g: -l: -s: -o: -n: !-ps !-plain !-revert",
  "uniq | first | -cdDiuz -f: -s: -w: -# --count --repeated --all-repeated? --unique --ignore-case --skip-fields: --skip-chars: --check-chars: --zero-terminated --group?",
  // The machine.
  "date | date | -uRjn -d: -r: -I? -v: --date: --reference: --utc --universal --rfc-3339: --iso-8601? --rfc-email",
  "hostname,dnsdomainname,domainname | none | -aAdfiIsy --fqdn --short --ip-address --all-ip-addresses --long --domain",
  "dmesg | none | -HTkruxLtPwe -l: -f: --human --ctime --kernel --level: --facility: --color? --nopager --decode --follow",
  "mount | none | -lvh",
  "swapon | none | -s --show? --summary",
  "umask | none | -Spn",
  "ulimit | none | -aHS -acdefilmnpqrstuvxT",
  "ifconfig | one | -a -s",
  "arp | text | -anve",
  "route | show | -neCv",
  "ip | ip | -46sdohja !-br !-c !-color --brief --json !-details !-statistics !-brief !-json",
  "ss,netstat | none | -HnrlaoempiszbEZ460tudwxfgWcvNTUpSMVI -# --tcp --udp --listening --numeric --all --processes --summary --extended --route --program --statistics --interfaces",
  "getent | getent | ",
  "sysctl | sysctl | -aAbdeNnqx --all --values --names",
  "ps | ps | *",
  "journalctl | none | -abefklmqrx -n: -u: -t: -p: -S: -U: -o: -g: -b? -k --unit: --user-unit: --since: --until: --lines: --priority: --output: --no-pager --follow --reverse --boot? --dmesg --list-boots --disk-usage --grep: --identifier: --system --user --utc --no-hostname --catalog --all --no-full --full --quiet",
  "ausearch | none | -i -k: -m: !-ts: --start: --end:",
];
