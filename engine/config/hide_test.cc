#include "config/hide.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(Hide, ThePasswordOfAnAddressIsNotShown) {
  EXPECT_EQ(hide_passwords("postgres://shop:hunter2@db:5432/orders"), "postgres://shop:<secret>@db:5432/orders");
  EXPECT_EQ(hide_passwords("http://u:a:b@h/x"), "http://u:<secret>@h/x");
  EXPECT_EQ(hide_passwords("postgres://shop:hun@ter@db/orders"), "postgres://shop:<secret>@db/orders");
  EXPECT_EQ(hide_passwords("postgres://shop:hun/ter@db/orders"), "postgres://shop:<secret>@db/orders");
}

TEST(Hide, ASettingThatIsCalledPasswordIsNotShown) {
  EXPECT_EQ(hide_passwords("host=db password=hunter2 user=shop"), "host=db password=<secret> user=shop");
  EXPECT_EQ(hide_passwords("host=db password = 'hun \\' ter' user=shop"), "host=db password = <secret> user=shop");
  EXPECT_EQ(hide_passwords("password='never ended"), "password=<secret>");
  EXPECT_EQ(hide_passwords("client_secret=b tokens=c"), "client_secret=<secret> tokens=c");
  EXPECT_EQ(hide_passwords("user=a sslpassword=b PASSWORD=c"), "user=a sslpassword=<secret> PASSWORD=<secret>");
  EXPECT_EQ(hide_passwords("https://h/in?token=abc&x=1"), "https://h/in?token=<secret>&x=1");
  EXPECT_EQ(hide_passwords("password="), "password=<secret>");
}

TEST(Hide, TheNameOfASettingSaysWhetherItIsASecret) {
  for (const char* name :
       {"sasl.password", "ssl.key.password", "Client_Secret", "auth-token", "api_key", "X-Api-Key", "sig",
        "X-Signature", "Authorization", "ssl.passphrase", "Cookie", "Set-Cookie", "ssl.key.pem", "aws_secret_key"})
    EXPECT_TRUE(names_secret(name)) << name;
  for (const char* name : {"", "user", "password_file", "tokens"}) EXPECT_FALSE(names_secret(name)) << name;
}

TEST(Hide, WhatHoldsNoneStaysAsItIs) {
  for (const char* text :
       {"", "=", "http://127.0.0.1:8080/events", "postgres://shop@db/orders?sslmode=require", "host=db user=shop",
        ".password", "postgres:///weir?host=/run/db&port=5432", "https://h:8080/@tenant:a@b"})
    EXPECT_EQ(hide_passwords(text), text);
}

}  // namespace
}  // namespace weir::config
