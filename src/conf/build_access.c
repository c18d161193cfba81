// SPDX-License-Identifier: Apache-2.0
#include "conf/build_priv.h"

/* Lines go to one place. */
static void check(struct builder *b, const struct set_access *set)
{
    const struct yaml_node *pipe = yaml_find(set->head.at, SLICE("pipe"));
    bool has_file = set->file.length > 0, has_pipe = set->pipe.length > 0;

    if (has_file && has_pipe)
        conf_errors_add(b->errors, pipe->key_at,
            "an access log is written to a \"file\" or a \"pipe\", not both; leave one out, or "
            "have "
            "the program at the pipe write the file, as tee does");
    else if (!has_file && !has_pipe && yaml_find(set->head.at, SLICE("file")) == NULL)
        conf_errors_add(b->errors, set->head.at->key_at,
            "an access log needs a \"file\", such as /var/log/waypost/acme.log, or a \"pipe\"");
}

struct customer_access build_access(struct builder *b, const struct set_access *set)
{
    if (set->head.at == NULL)
        return (struct customer_access){ 0 };
    check(b, set);
    return (struct customer_access){
        .file = build_keep(b, set->file),
        .pipe = build_keep(b, set->pipe),
        .format = set->format == 0 ? ACCESS_COMBINED : ACCESS_JSON,
    };
}
