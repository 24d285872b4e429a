// SPDX-License-Identifier: MIT
// What each kind's tokens say:
// - GitHub: https://docs.github.com/en/actions/reference/security/oidc
// - GitLab: https://docs.gitlab.com/ci/secrets/id_token_authentication/
// - Buildkite: https://buildkite.com/docs/agent/cli/reference/oidc
// - CircleCI: https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
// - Kubernetes: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
// - SPIFFE: https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md
#include "gateway/oidc/provider.h"

#define EACH_RUN "it is another one in each run: leave it out"

static const struct gw_oidc_claim_kind github[] = {
    {.name = GW_STR_INIT("repository"),
     .path = GW_STR_INIT("repository"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_NO_CASE | GW_OIDC_IN_NAME},
    {.name = GW_STR_INIT("repository_id"),
     .path = GW_STR_INIT("repository_id"),
     .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("repository_owner_id"),
     .path = GW_STR_INIT("repository_owner_id"),
     .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("repository_owner"),
     .path = GW_STR_INIT("repository_owner"),
     .traits = GW_OIDC_NO_CASE},
    {.name = GW_STR_INIT("workflow_file"),
     .path = GW_STR_INIT("workflow_ref"),
     .traits = GW_OIDC_IN_NAME,
     .source = GW_OIDC_WORKFLOW_FILE},
    {.name = GW_STR_INIT("workflow_file_ref"),
     .path = GW_STR_INIT("workflow_ref"),
     .source = GW_OIDC_WORKFLOW_REF},
    {.name = GW_STR_INIT("job_workflow_ref"), .path = GW_STR_INIT("job_workflow_ref")},
    {.name = GW_STR_INIT("environment"), .path = GW_STR_INIT("environment")},
    {.name = GW_STR_INIT("event_name"), .path = GW_STR_INIT("event_name")},
    {.name = GW_STR_INIT("ref"), .path = GW_STR_INIT("ref")},
    {.name = GW_STR_INIT("ref_type"), .path = GW_STR_INIT("ref_type")},
    {.name = GW_STR_INIT("ref_protected"), .path = GW_STR_INIT("ref_protected")},
    {.name = GW_STR_INIT("repository_visibility"), .path = GW_STR_INIT("repository_visibility")},
    {.name = GW_STR_INIT("runner_environment"), .path = GW_STR_INIT("runner_environment")},
    {.name = GW_STR_INIT("actor_id"), .path = GW_STR_INIT("actor_id")},
    {.name = GW_STR_INIT("enterprise_id"), .path = GW_STR_INIT("enterprise_id")},
    {.name = GW_STR_INIT("workflow_ref"),
     .path = GW_STR_INIT("workflow_ref"),
     .traits = GW_OIDC_REFUSED,
     .why = "it is a file and a ref in one: name workflow_file and workflow_file_ref"},
    {.name = GW_STR_INIT("workflow"),
     .path = GW_STR_INIT("workflow"),
     .traits = GW_OIDC_REFUSED,
     .why = "any workflow can bear any name: name workflow_file"},
    {.name = GW_STR_INIT("sub"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_REFUSED,
     .why =
         "its form has changed, and each repository can set it: name repository, environment, ref"},
    {.name = GW_STR_INIT("actor"),
     .path = GW_STR_INIT("actor"),
     .traits = GW_OIDC_REFUSED,
     .why = "a name that becomes free can be taken: name actor_id"},
    {.name = GW_STR_INIT("sha"),
     .path = GW_STR_INIT("sha"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("run_id"),
     .path = GW_STR_INIT("run_id"),
     .traits = GW_OIDC_REFUSED | GW_OIDC_IN_NAME,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("run_attempt"),
     .path = GW_STR_INIT("run_attempt"),
     .traits = GW_OIDC_REFUSED | GW_OIDC_IN_NAME,
     .why = EACH_RUN},
};

static const struct gw_oidc_claim_kind gitlab[] = {
    {.name = GW_STR_INIT("project_path"),
     .path = GW_STR_INIT("project_path"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_NO_CASE | GW_OIDC_IN_NAME},
    {.name = GW_STR_INIT("project_id"), .path = GW_STR_INIT("project_id"), .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("namespace_id"),
     .path = GW_STR_INIT("namespace_id"),
     .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("namespace_path"),
     .path = GW_STR_INIT("namespace_path"),
     .traits = GW_OIDC_NO_CASE},
    {.name = GW_STR_INIT("ref"),
     .path = GW_STR_INIT("ref"),
     .traits = GW_OIDC_PREFIX,
     .why = "https://docs.gitlab.com/ci/secrets/hashicorp_vault_tutorial/",
     .needs = GW_STR_INIT("ref_type")},
    {.name = GW_STR_INIT("ref_type"), .path = GW_STR_INIT("ref_type")},
    {.name = GW_STR_INIT("ref_protected"), .path = GW_STR_INIT("ref_protected")},
    {.name = GW_STR_INIT("environment"), .path = GW_STR_INIT("environment")},
    {.name = GW_STR_INIT("environment_protected"), .path = GW_STR_INIT("environment_protected")},
    {.name = GW_STR_INIT("deployment_tier"), .path = GW_STR_INIT("deployment_tier")},
    {.name = GW_STR_INIT("pipeline_source"), .path = GW_STR_INIT("pipeline_source")},
    {.name = GW_STR_INIT("ci_config_ref_uri"), .path = GW_STR_INIT("ci_config_ref_uri")},
    {.name = GW_STR_INIT("runner_id"), .path = GW_STR_INIT("runner_id")},
    {.name = GW_STR_INIT("runner_environment"), .path = GW_STR_INIT("runner_environment")},
    {.name = GW_STR_INIT("user_id"), .path = GW_STR_INIT("user_id")},
    {.name = GW_STR_INIT("user_login"),
     .path = GW_STR_INIT("user_login"),
     .traits = GW_OIDC_REFUSED,
     .why = "a name that becomes free can be taken: name user_id"},
    {.name = GW_STR_INIT("user_email"),
     .path = GW_STR_INIT("user_email"),
     .traits = GW_OIDC_REFUSED,
     .why = "an address can change its owner: name user_id"},
    {.name = GW_STR_INIT("sub"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_REFUSED,
     .why = "each project can set its form: name project_path, ref_type, ref"},
    {.name = GW_STR_INIT("sha"),
     .path = GW_STR_INIT("sha"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("pipeline_id"),
     .path = GW_STR_INIT("pipeline_id"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("job_id"),
     .path = GW_STR_INIT("job_id"),
     .traits = GW_OIDC_REFUSED | GW_OIDC_IN_NAME,
     .why = EACH_RUN},
};

static const struct gw_oidc_claim_kind buildkite[] = {
    {.name = GW_STR_INIT("organization_slug"),
     .path = GW_STR_INIT("organization_slug"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_IN_NAME},
    {.name = GW_STR_INIT("pipeline_slug"),
     .path = GW_STR_INIT("pipeline_slug"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_IN_NAME},
    {.name = GW_STR_INIT("organization_id"),
     .path = GW_STR_INIT("organization_id"),
     .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("pipeline_id"), .path = GW_STR_INIT("pipeline_id"), .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("build_branch"), .path = GW_STR_INIT("build_branch")},
    {.name = GW_STR_INIT("build_tag"), .path = GW_STR_INIT("build_tag")},
    {.name = GW_STR_INIT("build_source"), .path = GW_STR_INIT("build_source")},
    {.name = GW_STR_INIT("step_key"), .path = GW_STR_INIT("step_key")},
    {.name = GW_STR_INIT("cluster_id"), .path = GW_STR_INIT("cluster_id")},
    {.name = GW_STR_INIT("queue_id"), .path = GW_STR_INIT("queue_id")},
    {.name = GW_STR_INIT("runner_environment"), .path = GW_STR_INIT("runner_environment")},
    {.name = GW_STR_INIT("sub"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_REFUSED,
     .why = "it ends with what differs in each run: name build_branch, step_key"},
    {.name = GW_STR_INIT("build_commit"),
     .path = GW_STR_INIT("build_commit"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("agent_id"),
     .path = GW_STR_INIT("agent_id"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("job_id"),
     .path = GW_STR_INIT("job_id"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("build_number"),
     .path = GW_STR_INIT("build_number"),
     .traits = GW_OIDC_REFUSED | GW_OIDC_IN_NAME,
     .why = EACH_RUN},
};

static const struct gw_oidc_claim_kind circleci[] = {
    {.name = GW_STR_INIT("project_id"),
     .path = GW_STR_INIT("oidc.circleci.com/project-id"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_IN_NAME},
    {.name = GW_STR_INIT("org_id"),
     .path = GW_STR_INIT("oidc.circleci.com/org-id"),
     .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("vcs_origin"), .path = GW_STR_INIT("oidc.circleci.com/vcs-origin")},
    {.name = GW_STR_INIT("vcs_ref"), .path = GW_STR_INIT("oidc.circleci.com/vcs-ref")},
    {.name = GW_STR_INIT("ssh_rerun"), .path = GW_STR_INIT("oidc.circleci.com/ssh-rerun")},
    {.name = GW_STR_INIT("pipeline_definition_id"),
     .path = GW_STR_INIT("oidc.circleci.com/pipeline-definition-id")},
    {.name = GW_STR_INIT("sub"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_REFUSED,
     .why = "its form depends on the trigger, and it names a user: name project_id, vcs_ref"},
    {.name = GW_STR_INIT("pipeline_id"),
     .path = GW_STR_INIT("oidc.circleci.com/pipeline-id"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("workflow_id"),
     .path = GW_STR_INIT("oidc.circleci.com/workflow-id"),
     .traits = GW_OIDC_REFUSED,
     .why = EACH_RUN},
    {.name = GW_STR_INIT("job_id"),
     .path = GW_STR_INIT("oidc.circleci.com/job-id"),
     .traits = GW_OIDC_REFUSED | GW_OIDC_IN_NAME,
     .why = EACH_RUN},
};

static const struct gw_oidc_claim_kind kubernetes[] = {
    {.name = GW_STR_INIT("namespace"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_IN_NAME,
     .source = GW_OIDC_ACCOUNT_NAMESPACE},
    {.name = GW_STR_INIT("service_account"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_IN_NAME,
     .source = GW_OIDC_ACCOUNT_NAME},
    {.name = GW_STR_INIT("service_account_uid"),
     .path = GW_STR_INIT("/kubernetes.io/serviceaccount/uid"),
     .traits = GW_OIDC_ID},
    {.name = GW_STR_INIT("node"), .path = GW_STR_INIT("/kubernetes.io/node/name")},
    {.name = GW_STR_INIT("sub"), .path = GW_STR_INIT("sub")},
    {.name = GW_STR_INIT("pod"),
     .path = GW_STR_INIT("/kubernetes.io/pod/name"),
     .traits = GW_OIDC_REFUSED | GW_OIDC_IN_NAME,
     .why = EACH_RUN},
};

static const struct gw_oidc_claim_kind subject[] = {
    {.name = GW_STR_INIT("sub"),
     .path = GW_STR_INIT("sub"),
     .traits = GW_OIDC_ANCHOR | GW_OIDC_IN_NAME},
};

static const struct gw_oidc_unless_named github_refused[] = {
    // Runs with the rights of the repository on what a stranger sent.
    {GW_STR_INIT("event_name"), GW_STR_INIT("pull_request_target")},
    {GW_STR_INIT("event_name"), GW_STR_INIT("issue_comment")},
};

static const struct gw_oidc_unless_named circleci_refused[] = {
    // Somebody has a shell in it.
    {GW_STR_INIT("ssh_rerun"), GW_STR_INIT("true")},
};

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define CLAIMS(array) .claims = (array), .claim_count = COUNT(array)
#define REFUSED(array) .refused = (array), .refused_count = COUNT(array)

static const struct gw_oidc_provider providers[GW_OIDC_KIND_COUNT] = {
    [GW_OIDC_GITHUB] = {.name = GW_STR_INIT("github"),
                        .title = "GitHub Actions",
                        CLAIMS(github),
                        REFUSED(github_refused),
                        .is_once = true},
    [GW_OIDC_GITLAB] = {.name = GW_STR_INIT("gitlab"), .title = "GitLab CI/CD", CLAIMS(gitlab)},
    [GW_OIDC_BUILDKITE] = {.name = GW_STR_INIT("buildkite"),
                           .title = "Buildkite",
                           CLAIMS(buildkite),
                           .may_lack_jti = true},
    [GW_OIDC_CIRCLECI] = {.name = GW_STR_INIT("circleci"),
                          .title = "CircleCI",
                          CLAIMS(circleci),
                          REFUSED(circleci_refused),
                          .may_lack_jti = true},
    [GW_OIDC_KUBERNETES] = {.name = GW_STR_INIT("kubernetes"),
                            .title = "Kubernetes",
                            CLAIMS(kubernetes),
                            .takes_other_claims = true,
                            .may_lack_iat = true,
                            .may_lack_jti = true},
    [GW_OIDC_SPIFFE] = {.name = GW_STR_INIT("spiffe"),
                        .title = "SPIFFE",
                        CLAIMS(subject),
                        .takes_other_claims = true,
                        .may_lack_iat = true,
                        .may_lack_jti = true},
    // "sub" is the one claim that OpenID Connect promises to be unique and never given again (Core
    // section 2).
    [GW_OIDC_GENERIC] = {.name = GW_STR_INIT("generic"),
                         .title = "OpenID Connect",
                         CLAIMS(subject),
                         .takes_other_claims = true,
                         .may_lack_jti = true},
};

const struct gw_oidc_provider *gw_oidc_provider(enum gw_oidc_kind kind) {
    gw_assert(kind < GW_OIDC_KIND_COUNT);
    return &providers[kind];
}

bool gw_oidc_kind_find(struct gw_str name, enum gw_oidc_kind *kind) {
    for (int i = 0; i < GW_OIDC_KIND_COUNT; i++) {
        if (gw_str_equal(name, providers[i].name)) {
            *kind = (enum gw_oidc_kind)i;
            return true;
        }
    }
    return false;
}

const struct gw_oidc_claim_kind *gw_oidc_claim_kind_find(enum gw_oidc_kind kind,
                                                         struct gw_str name) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(kind);
    for (int i = 0; i < provider->claim_count; i++) {
        if (gw_str_equal(name, provider->claims[i].name))
            return &provider->claims[i];
    }
    return NULL;
}
