-- Statistics: the exact comparison of two counts, and what it needs.

CREATE OR REPLACE FUNCTION monitoring_log_gamma(p_x double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_x       double precision := p_x;
    v_product double precision := 1;
    v_square  double precision;
BEGIN
    WHILE v_x < 10 LOOP                                 -- gamma(x + 1) = x gamma(x)
        v_product := v_product * v_x;
        v_x := v_x + 1;
    END LOOP;
    v_square := 1 / (v_x * v_x);
    RETURN (v_x - 0.5) * ln(v_x) - v_x + 0.9189385332046727418  -- ln(2 pi) / 2
        + (1.0 / 12 - v_square * (1.0 / 360 - v_square * (1.0 / 1260 - v_square / 1680))) / v_x
        - ln(v_product);
END
$$;
COMMENT ON FUNCTION monitoring_log_gamma(double precision) IS
    'ln(gamma(x)) for x > 0 by Stirling''s series (Abramowitz and Stegun 6.1.41), shifted to x >= 10: absolute error under 1e-12.';

CREATE OR REPLACE FUNCTION monitoring_incomplete_beta(p_x double precision, p_a double precision, p_b double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_tiny  CONSTANT double precision := 1e-300;
    v_front double precision;
    v_c     double precision := 1;
    v_d     double precision;
    v_h     double precision;
    v_step  double precision;
    v_term  double precision;
    v_log   double precision;
BEGIN
    IF p_x <= 0 THEN
        RETURN 0;
    ELSIF p_x >= 1 THEN
        RETURN 1;
    ELSIF p_x > (p_a + 1) / (p_a + p_b + 2) THEN        -- the fraction converges fast below the mean only
        RETURN 1 - monitoring_incomplete_beta(1 - p_x, p_b, p_a);
    END IF;
    v_log := monitoring_log_gamma(p_a + p_b) - monitoring_log_gamma(p_a) - monitoring_log_gamma(p_b)
        + p_a * ln(p_x) + p_b * ln(1 - p_x);
    IF v_log < -700 THEN                                -- below what a double can hold
        RETURN 0;
    END IF;
    v_front := exp(v_log) / p_a;
    v_d := 1 - (p_a + p_b) * p_x / (p_a + 1);
    v_d := 1 / CASE WHEN abs(v_d) < v_tiny THEN v_tiny ELSE v_d END;
    v_h := v_d;
    FOR m IN 1 .. 1000 LOOP
        v_term := m * (p_b - m) * p_x / ((p_a + 2 * m - 1) * (p_a + 2 * m));
        v_d := 1 + v_term * v_d;
        v_d := 1 / CASE WHEN abs(v_d) < v_tiny THEN v_tiny ELSE v_d END;
        v_c := 1 + v_term / v_c;
        v_c := CASE WHEN abs(v_c) < v_tiny THEN v_tiny ELSE v_c END;
        v_h := v_h * v_d * v_c;
        v_term := -(p_a + m) * (p_a + p_b + m) * p_x / ((p_a + 2 * m) * (p_a + 2 * m + 1));
        v_d := 1 + v_term * v_d;
        v_d := 1 / CASE WHEN abs(v_d) < v_tiny THEN v_tiny ELSE v_d END;
        v_c := 1 + v_term / v_c;
        v_c := CASE WHEN abs(v_c) < v_tiny THEN v_tiny ELSE v_c END;
        v_step := v_d * v_c;
        v_h := v_h * v_step;
        EXIT WHEN abs(v_step - 1) < 1e-13;
    END LOOP;
    RETURN least(1, v_front * v_h);
END
$$;
COMMENT ON FUNCTION monitoring_incomplete_beta(double precision, double precision, double precision) IS
    'The regularized incomplete beta function I_x(a, b), a and b > 0: Lentz''s continued fraction '
    '(DLMF 8.17.22; Numerical Recipes 6.4). Relative error under 1e-9; 0 below 1e-304.';

CREATE OR REPLACE FUNCTION monitoring_poisson_ratio_p(p_seen double precision, p_expected double precision, p_weight double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF p_seen <= 0 OR p_weight <= 0 THEN
        RETURN 1;
    ELSIF p_expected <= 0 THEN
        RETURN 0;
    END IF;
    RETURN monitoring_incomplete_beta(p_expected / (p_expected + p_weight), p_seen, p_weight + 1);
END
$$;
COMMENT ON FUNCTION monitoring_poisson_ratio_p(double precision, double precision, double precision) IS
    'How likely chance alone gives p_seen or more events where p_expected are expected and that expectation rests on '
    'p_weight events: the exact comparison of two Poisson counts, P(Bin(x + B, E / (E + B)) >= x) = I_{E/(E+B)}(x, B + 1) '
    '(Przyborowski and Wilenski 1940). Seen 12, expected 4, weight 100: 0.00131.';

CREATE OR REPLACE FUNCTION monitoring_poisson_ratio_bound(
    p_seen double precision, p_expected double precision, p_weight double precision, p_level double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_b     double precision := p_weight + 1;
    v_beta  double precision;                           -- ln B(a, b)
    v_logit double precision;
    v_share double precision;
    v_p     double precision;
    v_next  double precision;
    v_low   double precision;                           -- the root lies between these two
    v_high  double precision;
BEGIN
    IF p_seen <= 0 OR p_weight <= 0 OR p_expected <= 0 THEN
        RETURN 0;
    END IF;
    v_beta := monitoring_log_gamma(p_seen) + monitoring_log_gamma(v_b) - monitoring_log_gamma(p_seen + v_b);
    v_high := ln(p_seen / p_weight) + 5;
    v_low := v_high - 80;
    v_logit := greatest(v_low, v_high - 5 - 0.9 * sqrt(-2 * ln(p_level) * (1 / p_seen + 1 / v_b)));
    FOR i IN 1 .. 100 LOOP                              -- Newton's steps on ln I, halving where one leaves the two
        v_share := 1 / (1 + exp(-v_logit));
        v_p := monitoring_incomplete_beta(v_share, p_seen, v_b);
        IF v_p > p_level THEN
            v_high := v_logit;
        ELSE
            v_low := v_logit;
        END IF;
        v_next := (v_low + v_high) / 2;
        IF v_p > 1e-290 THEN
            v_share := exp(p_seen * ln(v_share) + v_b * ln(1 - v_share) - v_beta) / v_p;    -- slope of ln I
            IF v_share > 1e-12 AND v_logit - (ln(v_p) - ln(p_level)) / v_share BETWEEN v_low AND v_high THEN
                v_next := v_logit - (ln(v_p) - ln(p_level)) / v_share;
            END IF;
        END IF;
        EXIT WHEN abs(v_next - v_logit) < 1e-8;
        v_logit := v_next;
    END LOOP;
    RETURN exp(v_logit) * p_weight / p_expected;
END
$$;
COMMENT ON FUNCTION monitoring_poisson_ratio_bound(double precision, double precision, double precision, double precision) IS
    'The ratio to the expectation that p_seen events prove at p_level: monitoring_poisson_ratio_p inverted (Clopper and Pearson), '
    'so that it is above 1 exactly where that test passes. Seen 40, expected 10, weight 500, level 0.001: 2.29.';

CREATE OR REPLACE FUNCTION monitoring_poisson_shortfall_p(p_seen double precision, p_expected double precision, p_weight double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF p_expected <= 0 OR p_weight <= 0 THEN
        RETURN 1;
    END IF;
    RETURN monitoring_incomplete_beta(p_weight / (p_expected + p_weight), p_weight, p_seen + 1);
END
$$;
COMMENT ON FUNCTION monitoring_poisson_shortfall_p(double precision, double precision, double precision) IS
    'How likely chance alone gives no more than p_seen events where p_expected are expected and that expectation rests on p_weight '
    'events: the other side of monitoring_poisson_ratio_p, P(Bin(x + B, B / (E + B)) >= B) = I_{B/(E+B)}(B, x + 1). '
    'Seen 3, expected 12, weight 100: 0.0034.';

CREATE OR REPLACE FUNCTION monitoring_poisson_shortfall_bound(
    p_seen double precision, p_expected double precision, p_weight double precision, p_level double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_share double precision;
BEGIN
    IF p_expected <= 0 OR p_weight < 0.001 THEN
        RETURN 0;
    ELSIF p_seen <= 0 AND ln(p_level) < -700 * p_weight THEN
        RETURN 0;
    ELSIF p_seen <= 0 THEN                              -- I_s(B, 1) = s^B
        v_share := p_level ^ (1 / p_weight);
        RETURN v_share / (1 - v_share) * p_expected / p_weight;
    END IF;
    RETURN monitoring_poisson_ratio_bound(p_weight, p_seen * p_weight / p_expected, p_seen, p_level);
END
$$;
COMMENT ON FUNCTION monitoring_poisson_shortfall_bound(double precision, double precision, double precision, double precision) IS
    'The ratio expected / seen that p_seen events prove at p_level: monitoring_poisson_shortfall_p inverted, so that it is above 1 '
    'exactly where that test passes.';

CREATE OR REPLACE FUNCTION monitoring_chi_square_quantile(p_level double precision, p_degrees double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_t double precision := sqrt(-2 * ln(p_level));
    v_z double precision;
    v_c double precision := 2 / (9 * p_degrees);
    v_x double precision;
    v_p double precision;
    v_step double precision;
BEGIN
    v_z := v_t - (2.515517 + 0.802853 * v_t + 0.010328 * v_t ^ 2) / (1 + 1.432788 * v_t + 0.189269 * v_t ^ 2 + 0.001308 * v_t ^ 3);
    v_x := p_degrees * (1 - v_c + v_z * sqrt(v_c)) ^ 3;
    FOR i IN 1 .. 20 LOOP                               -- Newton's steps on ln Q
        v_p := monitoring_chi_square_p(v_x, p_degrees);
        EXIT WHEN v_p < 1e-290;
        v_step := ln(v_p / p_level) * v_p
            / (exp((p_degrees / 2 - 1) * ln(v_x / 2) - v_x / 2 - monitoring_log_gamma(p_degrees / 2)) / 2);
        v_x := greatest(v_x / 2, v_x + v_step);
        EXIT WHEN abs(v_step) < 1e-8 * v_x;
    END LOOP;
    RETURN v_x;
END
$$;
COMMENT ON FUNCTION monitoring_chi_square_quantile(double precision, double precision) IS
    'The value that a chi-square variable of so many degrees of freedom exceeds with probability p_level (up to 0.5): Wilson and '
    'Hilferty''s cube over Abramowitz and Stegun 26.2.23, then Newton''s steps. Level 1e-4, 3 degrees: 21.11.';

CREATE OR REPLACE FUNCTION monitoring_chi_square_p(p_value double precision, p_degrees double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_a     double precision := p_degrees / 2;
    v_x     double precision := p_value / 2;
    v_front double precision;
    v_term  double precision;
    v_sum   double precision;
    v_b     double precision;
    v_c     double precision;
    v_d     double precision;
    v_h     double precision;
BEGIN
    IF v_x <= 0 THEN
        RETURN 1;
    END IF;
    v_front := v_a * ln(v_x) - v_x - monitoring_log_gamma(v_a);
    IF v_front < -700 THEN                              -- below what a double can hold, on the one side or on the other
        RETURN CASE WHEN v_x > v_a THEN 0 ELSE 1 END;
    END IF;
    v_front := exp(v_front);
    IF v_x < v_a + 1 THEN                               -- the series of P, DLMF 8.11.4
        v_term := 1 / v_a;
        v_sum := v_term;
        FOR n IN 1 .. 1000 LOOP
            v_term := v_term * v_x / (v_a + n);
            v_sum := v_sum + v_term;
            EXIT WHEN v_term < v_sum * 1e-15;
        END LOOP;
        RETURN greatest(0, 1 - v_front * v_sum);
    END IF;
    v_b := v_x + 1 - v_a;                               -- the fraction of Q, DLMF 8.9.2, by Lentz
    v_c := 1e300;
    v_d := 1 / v_b;
    v_h := v_d;
    FOR n IN 1 .. 1000 LOOP
        v_b := v_b + 2;
        v_d := 1 / (v_b - n * (n - v_a) * v_d);
        v_c := v_b - n * (n - v_a) / v_c;
        v_h := v_h * v_c * v_d;
        EXIT WHEN abs(v_c * v_d - 1) < 1e-13;
    END LOOP;
    RETURN least(1, v_front * v_h);
END
$$;
COMMENT ON FUNCTION monitoring_chi_square_p(double precision, double precision) IS
    'How likely a chi-square variable of so many degrees of freedom is at least p_value: the regularized incomplete gamma function '
    'Q(k / 2, x / 2). Value 21.1, 3 degrees: 1.0e-4. 0 below 1e-304.';

CREATE OR REPLACE FUNCTION monitoring_poisson_likelihood(p_seen double precision, p_expected double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_seen > 0 THEN p_seen * ln(p_seen / p_expected) ELSE 0 END - (p_seen - p_expected)
$$;
COMMENT ON FUNCTION monitoring_poisson_likelihood(double precision, double precision) IS
    'By how much the log-likelihood of a Poisson count at its own value exceeds that at the expectation, x ln(x / E) - (x - E): 0 where '
    'they agree. Seen 12, expected 4: 5.18.';
