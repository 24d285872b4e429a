// SPDX-License-Identifier: MIT
#pragma once
// Public keys and what they signed: 1400 bytes of 'x', as long as the header and the claims of a
// token of GitHub Actions.

#include "base/str.h"
#include "gateway/oidc/algorithm.h"

#define SIGNED_TEXT_BYTES 1400

struct signed_text {
    struct gw_str keys; // a JWK set
    struct gw_str signature;
    enum gw_jwk_algorithm algorithm;
};

static const struct signed_text rs256_2048 = {
    GW_STR_INIT(
        "{\"keys\":[{\"alg\":\"RS256\",\"kty\":\"RSA\",\"n\":\"kwUM-j-IvYM-ipaVYkWVE1TF_D-Ps"
        "sUzx7RZGVtl-QYUes5Bqxs1z9PokypmldcLzdXuYaFW5NYCnWX50suYYDlTaFeF77XSbQr"
        "QzG-YeMXK6xwXhFi_J3D04Ka3u9uHhSJ0IeCM5J1Xjry4ZI9AX6Weekx6rMwttfoebTZtL"
        "Eh5_9fDMhNXltzb-jvr_0Vi-9jzKe4u6e04KJzhf8QJsLJkWePc9rN6o6p0o916oytmKgs"
        "joUVSnj20QC8i49NqYRIwXoqNERHvPL1y1W3b_eGzhmB6jIab3WDq0k4baboAnz4bR6P-r"
        "FHyvV8XNpw06DruNquGsZguG3SGFswptQ\",\"e\":\"AQAB\"}]}"),
    GW_STR_INIT(
        "NnAEsUqZsARgSrJXzXyu7RhThWQSTh_p2OZTXCwKJ49kSKjJj9wxNw9__71xcHw9yMuB1P4IaV-z9q3RdiJO"
        "EpzCDfrxqiNWciNs3_-NDhFH3LfvkAi6C7x3drn_aXtfMZQSVFpeyPGr5KHYZ5f4PRdo9i6-AQMEAns7Mdz-"
        "xfnx_DMiTCiryJzfQzr4EDDAbm6u48Zh2zGScUXAUo3A9hPdtykUCw58I3zHqc5-IA-BiJLiNZba3to3A1ml"
        "2rKHtkIbUa4bRow986oav6chsbqei2sc8q6VywhDEuDk3siJFTMKeK8GXB69hfXu_Buz7aygZ5wzS8A2cKt2"
        "6KxNaQ"),
    GW_JWK_RS256};

static const struct signed_text rs256_4096 = {
    GW_STR_INIT(
        "{\"keys\":[{\"alg\":\"RS256\",\"kty\":\"RSA\",\"n\":\"sljmfwbgN9aNKkb5NdEjAuBb5mqor"
        "P4jceGpIJMNENb_3PgIuToQ9SnFz98mv6UNjEPQi1zjojRi01Y4OVdrttjPxEOv3j-bJXo"
        "ofmPwNo-xjv6H-sO5MDfsmGKSGswMcKZFy4B70F8swEFhS4Bb-RHIEjfyzLpKCVtH4_t_W"
        "FFLySA2bKmojm4EZgkRWIcJL3SK20sRQJUjACIICYhqE-N9ze4dUmC5PuAsri1PcTdsAND"
        "vW6-sD-yjJFyqOqsFVXWwGS9QvOE9RCLV048-wLs1fH7i38xx_p4mUmllch2TUim0Twppu"
        "8RAZlhkf0Adg2uIGzyfG8wgDx8Gv2dKEVJ7M19EqJdBEFtgnSsyfmNaaAX84ZRJDcRVSKH"
        "uccgCDW4wabdA2EH8Cx51FYaUWYIhD6SWlZeTUaxpwlGHKCgHMKQRWm1GYpL0dIga-z5JU"
        "M6TkgG0AV4663YZ4hTvdCTEIZ6pWmqPtv0bR_XbOJLf-6Wx2uAh59wy06IxJKjhBkDM6Jy"
        "SUcUunm-xW0ytBBfE6JcSee1JaRjtKmJjY0l_x7T2y9fmKHu7kYWAsCgyf603HxU72hmdI"
        "iZHdHDwU0wZQ3DBJZce5KrFKdgkqOuFn2Y4oG4Paz58udeCZ8obdXwUOgmUA1b57Y-MIMm"
        "-9tQmq-snkDeuiqhD_zxdqJM\",\"e\":\"AQAB\"}]}"),
    GW_STR_INIT(
        "BJlgE762nUeNgQLztjf7TIdeAd2JwQ6YVTg1LiOekacI_L1OHSVmsNfgx3wdT1M_PWdCc0mSR-rXIcAAL8y2"
        "T3yPlaaZvryDRaUVYjGa9fChA8w6CwZD11dPEeu65Nqh9NusyrIC2EWRl_-caiwIWef9odEtKQStljpbMCjq"
        "KpjRS7pSRA7BxIM1WywXcS1Y8ClkZlUo9ayh7698cCHka9qhWaQ7Nl5ViX-9MJ3R4T-J0zLlQp9RVycv_3LN"
        "yvVHeqtUGdi104KuZval0Ny2MIizc3u-HCSmCRyZ2ZY9Ac49uiyfVPzcrDdktTBU2ptgsgF13ZDJJ_8oCM9K"
        "OG6sNqSA0xii6afjTjnOik8jC7rAOgXK5vctO_3g6GXvR-essPTvMjj2-7ZyMXpOimo7BwiNAT6mXoOkkjvF"
        "eefxsMQKuMDzc5Z6PvwqgOsUiZ-ma93mvT8911S_A6hJ0CLS_BCn_8MCNjjS3lLcf2xK5P1QwEjNYnxyRbFo"
        "Dvyp4u2ganhNv0p7KqDQeZ4sskKiWS-bjid7VG9F97CggsMUn7SJdum82_uMWWfCeUd5QuJlBckyXPqP1bfo"
        "VB3R_4JACJ40TLvAThVV3Xvhf_FKwvrzeYuIpfP-o1jkaz6NqPdu_BafSoNImcFpb5shO33iL2oog5qp2edI"
        "ObI7qJUEbyE"),
    GW_JWK_RS256};

static const struct signed_text ps256_2048 = {
    GW_STR_INIT(
        "{\"keys\":[{\"alg\":\"PS256\",\"kty\":\"RSA\",\"n\":\"uwxAFihX8uTF5UNw3QNvl5uY0XEf3"
        "FTdKCtHO993-TF2vP2ZZkjC37fGVwIP4YXQwFKd5_B6KoCTRMOIwoT3BSJljh_R6Hm8Vgu"
        "MwsxK8WWRcY2-fBWxFC5vcn84OFX6_Gc2KOvF0L2kauQ1WCloXVH8gLFG2--g7s0m_WSqy"
        "TGjseQuNkQSa9AhWlg7eAcEWnH9FwImVp40XlJxOD2OOSsygNq28AuZppmxAnhnc7gTGq8"
        "gcX8l0I44Rdfp2LF1lcVmYAFfCfcaVZuPQcz8rrg7bH6QwFNZW5l0K5SBYZ-38ziUwT0ln"
        "EsL-JaZilwmVGoRq5L3YU8cD4BqT3QvMQ\",\"e\":\"AQAB\"}]}"),
    GW_STR_INIT(
        "JfmCeTN3EIDkzeN3J3l_esAPGeEz2cZJLs3fnp8x6jl6FVzc4OYgrQzCBf4EzsO_B1TqsLWZiyfHnvJvthXl"
        "C6fl_8J-nufpp-rL2f10wulfYyPF2SE1nA_uzjhR-Xftg4jWh0-IGG9gqZPl3xO5ZQew49H5yfmKDWYuvHcg"
        "0YPdisZ8wAsf1DBK7jyTh_yDUXjuLrOsMv10x9F-KhDnv3je4aFcFE0xtr_PAxvGhPSbi3qO9zAiAP9u4QdA"
        "pMlHLMJW9IZdz9J0y1eBDAyeGQ6mdgmC-aag2mv2-lTMYj4M9vu2L3uouWyy2ZxMzq1PJ4MmEURokJAPAUyy"
        "Lw4Sew"),
    GW_JWK_PS256};

static const struct signed_text es256 = {
    GW_STR_INIT(
        "{\"keys\":[{\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"OTlZSeOaqdxzYs50"
        "hVw0YLdYvjfyUVLGsZfx035oEs4\",\"y\":\"LqBPZhLvaRRe95BUKneoSv40-QhOGjIeksIp"
        "aCAPTyU\"}]}"),
    GW_STR_INIT(
        "59gFeR4Mn8mXpjvxN0Sr_y8-yfFdLOs2KRIirQCydwsv6NRS_JTJvwe_CRdPvASGpsled3O-ibWOWFgTlb1Q"
        "uw"),
    GW_JWK_ES256};

static const struct signed_text es384 = {
    GW_STR_INIT(
        "{\"keys\":[{\"alg\":\"ES384\",\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"o543n_uC44BH7FkF"
        "4IZOeLBvshNWYn-gfKTw0li-fZDJlxRLSqLAicbpch1X-pbS\",\"y\":\"eOLKkJ9T0Mnlzd3"
        "lZPiXCqZOF9D8FVTLRPQfcKuUM3uIvs14_rlSFz7btPeWJT0k\"}]}"),
    GW_STR_INIT(
        "jS5RtCrIrJqQjZkcM7V9soHamkFIVsqB9cso0a5AqJEU0eOt-zr6ig5XDVV24qRN_na8XoyVoz-ML1r-N1ec"
        "m8PMeSG1RtB-bsVisvqGdIa0WWMYldgA3DcyLTD7BmcH"),
    GW_JWK_ES384};

static const struct signed_text eddsa = {
    GW_STR_INIT(
        "{\"keys\":[{\"alg\":\"EdDSA\",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"Mxq9Kix3Op2j4"
        "fH-M06E3H7IKt4IUekIsTsA2MezXdU\"}]}"),
    GW_STR_INIT(
        "JkFLlhiB-dzRr67it4ec1uosJ_Yy0WX-YG4Fx-IdI1u0gdrg1jHvllaDadqN2qVvG2xkOjBD8orPll0hXawL"
        "Bw"),
    GW_JWK_EDDSA};
