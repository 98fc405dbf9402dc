/* keygen_print.c - what `assay dkim keygen` and `assay dkim rotate` print.
 *
 * Errors: none; a closed pipe loses text, not the key, whose files are written. */
#include "milter/commands/keygen_print.h"

#include "conf/value.h"
#include "keys/repair.h"
#include "milter/commands/command.h"

static const char *type_name(enum key_type type)
{
    return type == KEY_RSA ? "rsa" : "ed25519";
}

/* The text of the `signing` entry. */
static struct str signing_entry(struct arena *a, const struct generated_key *keys, size_t n)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_printf(&b, "{ domain = \"%.*s\";\n", STR_ARG(keys[0].domain));
    for (size_t i = 0; i < n; i++) {
        struct str file = value_quote(a, keys[i].key_path);
        sb_printf(&b, "  %s{ selector = \"%.*s\"; file = %.*s; }%s", i ? "         " : "keys = ( ",
                  STR_ARG(keys[i].selector), STR_ARG(file), i + 1 < n ? ",\n" : " ); }\n");
    }
    return sb_str(&b);
}

void keygen_json_key(struct json *j, const char *name, const struct generated_key *k)
{
    json_object(j, name);
    json_text(j, "type", str_of(type_name(k->type)));
    json_number(j, "bits", k->bits);
    json_text(j, "selector", k->selector);
    json_text(j, "private_key", k->key_path);
    json_text(j, "record_file", k->record_path);
    json_text(j, "name", k->name);
    json_text(j, "value", k->value);
    json_text(j, "zone", k->zone);
    json_end(j, '}');
}

void keygen_print_json(const struct generated_key *keys, size_t n, struct arena *a)
{
    struct json j;
    json_begin(&j, a);
    json_text(&j, "domain", keys[0].domain);
    json_text(&j, "signing", signing_entry(a, keys, n));
    json_array(&j, "keys");
    for (size_t i = 0; i < n; i++)
        keygen_json_key(&j, NULL, &keys[i]);
    json_end(&j, ']');
    command_print_json(&j);
}

/* Text with each line moved to the right. */
static void print_indented(FILE *to, int columns, struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line))
        if (line.n)
            fprintf(to, "%*s%.*s\n", columns, "", STR_ARG(line));
}

void keygen_print_record(FILE *to, const struct generated_key *k)
{
    fputs("For a zone file:\n\n", to);
    print_indented(to, 4, k->zone);
    fprintf(to, "\nFor a web form, type TXT, name and value:\n\n    %.*s\n    %.*s\n\n",
            STR_ARG(k->name), STR_ARG(k->value));
}

/* -h: by then somebody who may write there could have put a link in its place. */
static void print_rights(FILE *to, const struct generated_key *keys, size_t n, const char *group,
                         struct arena *a)
{
    fprintf(to,
            "3. The user that assay runs as must be able to read the key, and nobody else:\n\n");
    for (size_t i = 0; i < n; i++) {
        struct str path = shell_word(a, keys[i].key_path);
        fprintf(to, "    chown -h root:%s %.*s && chmod 0640 %.*s\n", group, STR_ARG(path),
                STR_ARG(path));
    }
    fputc('\n', to);
}

void keygen_print(FILE *to, const struct generated_key *keys, size_t n, const char *group,
                  struct arena *a)
{
    for (size_t i = 0; i < n; i++)
        fprintf(to, "Private key  %.*s (%s, %u bits)\nDNS record   %.*s\n",
                STR_ARG(keys[i].key_path), type_name(keys[i].type), keys[i].bits,
                STR_ARG(keys[i].record_path));
    fprintf(to, "\n1. Publish %s in DNS.\n\n", n > 1 ? "these records" : "this record");
    for (size_t i = 0; i < n; i++)
        keygen_print_record(to, &keys[i]);
    fprintf(to, "   When it is there, this prints the value%s:\n\n", n > 1 ? "s" : "");
    for (size_t i = 0; i < n; i++)
        fprintf(to, "    dig +short TXT %.*s\n", STR_ARG(keys[i].name));
    fputs(
        "\n2. Then put this into assay.conf; if it has a list \"signing\" already, put the entry\n"
        "   { ... } into that, with a comma between entries:\n\n    signing = (\n",
        to);
    print_indented(to, 6, signing_entry(a, keys, n));
    fputs("    );\n\n", to);
    if (group)
        print_rights(to, keys, n, group, a);
    fprintf(to, "%d. Test the configuration, and let assay read it:\n\n", group ? 4 : 3);
    fprintf(to, "    assay config check && systemctl reload assay\n");
    if (n == 1 && keys[0].type == KEY_ED25519)
        fprintf(
            to,
            "\nMany receivers do not verify Ed25519 yet (RFC 8463): sign with an RSA key too.\n");
}

void keygen_print_rotated(FILE *to, const struct conf *conf, const struct generated_key *key,
                          struct arena *a)
{
    fprintf(to, "Private key  %.*s (%s, %u bits)\n\n", STR_ARG(key->key_path), type_name(key->type),
            key->bits);
    fprintf(to, "The key is pending. Publish its record in the DNS.\n\n");
    keygen_print_record(to, key);
    fprintf(to,
            "The rest needs no command. assay looks for the record every %.*s; when it has been "
            "there\nfor its TTL, this key signs, and the one before it retires for %.*s.\n"
            "\"assay dkim list\" shows how far it is.\n",
            STR_ARG(duration_format(a, conf->key_check_interval)),
            STR_ARG(duration_format(a, conf->key_retirement)));
}
